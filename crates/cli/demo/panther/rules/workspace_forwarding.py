from panther_base_helpers import pattern_match_list

OURS = ["*@corp.example", "*@*.corp.example"]


def rule(event):
    if event.get("name") != "email_forwarding_out_of_domain":
        return False
    return not pattern_match_list(event.deep_get("parameters", "email_forwarding_destination_address", default=""), OURS)
