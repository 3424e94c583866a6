ADMIN_PORTS = (22, 3389, 5985, 5986)


def rule(event):
    if event.get("eventName") != "AuthorizeSecurityGroupIngress":
        return False
    for permission in event.deep_get("requestParameters", "ipPermissions", "items", default=[]):
        if permission.get("fromPort") not in ADMIN_PORTS:
            continue
        for network in permission.get("ipRanges", {}).get("items", []):
            if network.get("cidrIp") == "0.0.0.0/0":
                return True
    return False
