def rule(event):
    return (
        event.get("eventType") in {"user.mfa.factor.reset_all", "user.mfa.factor.deactivate"}
        and event.deep_get("outcome", "result") == "SUCCESS"
        and event.deep_get("actor", "type", default="") != "SystemPrincipal"
    )
