def rule(event):
    return all(
        [
            event.get("eventName") == "ConsoleLogin",
            event.deep_get("responseElements", "ConsoleLogin") == "Success",
            event.deep_get("additionalEventData", "MFAUsed", default="No") != "Yes",
            event.deep_get("userIdentity", "type") not in ("AssumedRole", "AWSService"),
        ]
    )
