@description('Name of the workspace')
param workspaceName string

@description('Role whose members are watched')
param role string = 'Global Administrator'

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource roleGranted 'Microsoft.SecurityInsights/alertRules@2023-02-01' = {
  scope: workspace
  name: guid(workspace.id, 'role-granted')
  kind: 'Scheduled'
  properties: {
    displayName: 'An account was given the role that may do everything'
    description: 'Somebody was made a member of the role.'
    severity: 'High'
    enabled: true
    query: 'AuditLogs\n| where OperationName == "Add member to role"\n| where Result == "success"\n| where TargetResources has "${role}"'
    queryFrequency: 'PT1H'
    queryPeriod: 'PT1H'
    tactics: [
      'Persistence'
    ]
    techniques: [
      'T1078'
    ]
  }
}
