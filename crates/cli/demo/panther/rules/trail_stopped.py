from team_cloudtrail import is_deployment, succeeded

WATCHED = ("StopLogging", "DeleteTrail", "PutEventSelectors")


def rule(event):
    if not succeeded(event) or is_deployment(event):
        return False
    return event.get("eventSource") == "cloudtrail.amazonaws.com" and event.get("eventName") in WATCHED
