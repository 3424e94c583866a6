def policy(resource):
    return resource["EncryptionRules"] is not None
