import re

AGENTS = re.compile(r"tor\s?browser|curl/", re.IGNORECASE)


def rule(event):
    if event.get("eventType") != "user.session.start":
        return False
    agent = event.deep_get("client", "userAgent", "rawUserAgent", default="")
    return event.deep_get("securityContext", "isProxy") is True or bool(AGENTS.search(agent))
