ROBOTS = ("release-bot", "terraform-bot")


def rule(event):
    return event.get("action", "").startswith("protected_branch.destroy") and event.get("actor") not in ROBOTS
