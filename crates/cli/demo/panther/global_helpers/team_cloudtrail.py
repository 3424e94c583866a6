"""What the demo's CloudTrail rules have in common."""

DEPLOY_ROLES = {"deploy-pipeline", "landing-zone"}


def succeeded(event):
    """Whether the call went through."""
    return not event.get("errorCode") and not event.get("errorMessage")


def is_deployment(event):
    """Whether a pipeline of ours did it."""
    role = event.deep_get("userIdentity", "sessionContext", "sessionIssuer", "userName", default="")
    return role in DEPLOY_ROLES
