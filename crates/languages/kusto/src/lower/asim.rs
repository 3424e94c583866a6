//! The filtering parameters of ASIM parsers (`_Im_Dns(responsecodename='NXDOMAIN')`).
//!
//! A parameter filters a normalised column before the parser runs; what it means is what a `where` on that column
//! would mean ([ASIM parsers](https://learn.microsoft.com/azure/sentinel/normalization-about-parsers)).

use ruleatlas_ir::plan::Const;
use ruleatlas_model::{Modifier, Node, Op, Predicate, Span};

/// Parameter, column, operator, modifier.
const PARAMETERS: &[(&str, &str, Op, Option<Modifier>)] = &[
    ("srcipaddr", "SrcIpAddr", Op::Eq, None),
    ("domain_has_any", "DnsQuery", Op::Match, None),
    ("responsecodename", "ResponseCodeName", Op::Eq, None),
    ("response_has_ipv4", "DnsResponseName", Op::Match, None),
    ("response_has_any_prefix", "DnsResponseName", Op::Match, Some(Modifier::Prefix)),
    ("eventtype", "EventType", Op::Eq, None),
    ("eventtype_in", "EventType", Op::In, None),
    ("eventtype_has_any", "EventType", Op::Match, None),
    ("eventresult", "EventResult", Op::Eq, None),
    ("eventresultdetails_in", "EventResultDetails", Op::In, None),
    ("eventresultdetails_has_any", "EventResultDetails", Op::Match, None),
    ("dstportnumber", "DstPortNumber", Op::Eq, None),
    ("srcipaddr_has_any_prefix", "SrcIpAddr", Op::StartsWith, None),
    ("dstipaddr_has_any_prefix", "DstIpAddr", Op::StartsWith, None),
    ("ipaddr_has_any_prefix", "IpAddr", Op::StartsWith, None),
    ("targetipaddr_has_any_prefix", "TargetIpAddr", Op::StartsWith, None),
    ("dvcipaddr_has_any_prefix", "DvcIpAddr", Op::StartsWith, None),
    ("hostname_has_any", "Hostname", Op::Match, None),
    ("dvchostname_has_any", "DvcHostname", Op::Match, None),
    ("srchostname_has_any", "SrcHostname", Op::Match, None),
    ("dvcaction", "DvcAction", Op::In, None),
    ("commandline_has_any", "CommandLine", Op::Match, None),
    ("commandline_has_any_ip_prefix", "CommandLine", Op::Match, Some(Modifier::Prefix)),
    ("actingprocess_has_any", "ActingProcessName", Op::Match, None),
    ("targetprocess_has_any", "TargetProcessName", Op::Match, None),
    ("parentprocess_has_any", "ParentProcessName", Op::Match, None),
    ("targetusername_has", "TargetUsername", Op::Match, None),
    ("targetusername_has_any", "TargetUsername", Op::Match, None),
    ("actorusername_has", "ActorUsername", Op::Match, None),
    ("actorusername_has_any", "ActorUsername", Op::Match, None),
    ("username_has_any", "Username", Op::Match, None),
    ("targetappname_has_any", "TargetAppName", Op::Match, None),
    ("url_has_any", "Url", Op::Match, None),
    ("httpuseragent_has_any", "HttpUserAgent", Op::Match, None),
    ("registrykey_has_any", "RegistryKey", Op::Match, None),
    ("registryvalue_has_any", "RegistryValue", Op::Match, None),
    ("registrydata_has_any", "RegistryData", Op::Match, None),
    ("targetfilepath_has_any", "TargetFilePath", Op::Match, None),
    ("srcfilepath_has_any", "SrcFilePath", Op::Match, None),
    ("operation_has_any", "Operation", Op::Match, None),
    ("object_has_any", "Object", Op::Match, None),
    ("newvalue_has_any", "NewValue", Op::Match, None),
];

/// Whether a function is named as ASIM's parsers are: `_Im_Dns`, `_ASim_Dns_…`, `imDns`, `vimDns…`, `ASimDns…`. They give
/// every event of a schema that their parameters let through.
pub(super) fn is_parser(function: &str) -> bool {
    let is_deployed = ["im", "vim", "ASim"].into_iter().any(|prefix| {
        function.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
    });
    is_deployed || ["_Im_", "_ASim_"].into_iter().any(|prefix| function.starts_with(prefix))
}

/// The condition that a parameter with constants stands for; `None` where it says nothing of the event: the time window,
/// a setting or the default `*`.
pub(super) fn filter(parameter: &str, constants: &[Const], span: Span) -> Option<Node> {
    let values: Vec<String> = constants.iter().map(|constant| constant.text.to_string()).collect();
    if values.is_empty() || values.iter().any(|value| value == "*") {
        return None;
    }
    let known = PARAMETERS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(parameter));
    let (_, column, op, modifier) = known?;
    if *op == Op::StartsWith && values.iter().all(|value| value.contains('/')) {
        return Some(Predicate { span, ..Predicate::new(*column, Op::CidrMatch, values) }.into());
    }
    let op = if *op == Op::Eq && values.len() > 1 { Op::In } else { *op };
    Some(Predicate { span, modifiers: (*modifier).into(), ..Predicate::new(*column, op, values) }.into())
}
