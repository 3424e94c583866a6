from team_cloudtrail import succeeded

ATTACH = {"AttachUserPolicy", "AttachGroupPolicy", "AttachRolePolicy"}


def rule(event):
    if event.get("eventName") not in ATTACH or not succeeded(event):
        return False
    policy = event.deep_get("requestParameters", "policyArn", default="")
    return policy.endswith("/AdministratorAccess")
