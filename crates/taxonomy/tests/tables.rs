//! The tables say where they are wrong, and find fields by any vendor's name.

use ruleatlas_model::{DataSource, SourceKind, Vendor};
use ruleatlas_taxonomy::{File, Files, Taxonomy};

const FIELDS: &str = "[[field]]\nname = \"keyword\"\ndescription = \"d\"\ntype = \"text\"\n
[[field]]\nname = \"EventID\"\ndescription = \"d\"\ntype = \"keyword\"\nsigma = [\"EventID\"]\n";
const LOG_SOURCES: &str = "[[domain]]\nname = \"endpoint\"\ndescription = \"d\"\n
[[platform]]\nname = \"windows\"\ndescription = \"d\"\n";
const EVENTS: &str = "provider,event_id,channel,title,fields\nSysmon,1,C,Process creation,Image|CommandLine\n";

/// One vocabulary, which all vendors read that have names of their own.
fn vocabularies() -> String {
    let own = Vendor::ALL.iter().filter(|vendor| vendor.info().names_of == **vendor);
    let readings = own.map(|vendor| format!("[[vendor]]\nname = \"{vendor}\"\nvocabularies = [\"sigma\"]\n"));
    format!("[[vocabulary]]\nname = \"sigma\"\ntitle = \"Sigma\"\n{}", readings.collect::<String>())
}

fn faults(fields: &str, log_sources: &str, events: &str) -> Vec<String> {
    let (fields, log_sources) = (format!("{FIELDS}{fields}"), format!("{LOG_SOURCES}{log_sources}"));
    let events = format!("{EVENTS}{events}");
    let vocabularies = vocabularies();
    let files = Files {
        vocabularies: File { name: "vocabularies.toml", text: &vocabularies },
        fields: &[File { name: "fields.toml", text: &fields }],
        log_sources: File { name: "log_sources.toml", text: &log_sources },
        events: File { name: "events.csv", text: &events },
        providers: File { name: "providers.csv", text: "name,provider\nMicrosoft-Windows-Sysmon/Operational,Sysmon\n" },
        event_values: File { name: "event_values.csv", text: "provider,event_id,field,values\n" },
        channels: File { name: "channels.csv", text: "channel,provider\n" },
        names: &[],
        words: File { name: "source_words.csv", text: "words,log_source,platforms,provider,ids\n" },
        platforms: File { name: "platforms.toml", text: "" },
    };
    match Taxonomy::load(&files) {
        Ok(_) => Vec::new(),
        Err(error) => error.to_string().lines().map(str::to_owned).collect(),
    }
}

#[test]
fn sound_tables_have_no_fault() {
    let field = "[[field]]\nname = \"Image\"\ndescription = \"d\"\ntype = \"path\"\nsigma = [{ name = \"Name\", part = \"name\" }]\n";
    let log_source = "[[log_source]]\nname = \"p\"\ntitle = \"P\"\ndomains = [\"endpoint\"]
when = [{ product = \"windows\", platforms = [\"windows\"], events = { Sysmon = [1] } }]\n";
    assert_eq!(faults(field, log_source, ""), Vec::<String>::new());
}

#[test]
fn a_contradiction_is_named_with_file_and_line() {
    let field = |rest: &str| format!("[[field]]\nname = \"X\"\ndescription = \"d\"\ntype = \"keyword\"\n{rest}\n");
    let fields = [
        (
            "sigma = [\"eventid\"]",
            "fields.toml:15: `eventid` (sigma) is `X` here and `EventID` elsewhere in the same scope",
        ),
        ("sigma = [\"X\", \"x\"]", "fields.toml:15: `x` (sigma) stands here a second time"),
        (
            "sigma = [{ name = \"X\", part = \"name\" }]",
            "fields.toml:15: `part` can only be \"name\", and only of a field of type path",
        ),
        ("latin = [\"X\"]", "fields.toml:15: `latin` is no vocabulary"),
        ("sigma = [{ name = \"X\", on = \"y\" }]", "fields.toml:15: `on` is not known here; known are name, part, in"),
        (
            "sigma = [{ name = \"X\", in = [\"log_source:y\"] }]",
            "log_sources.toml:1: there is no log source `y`, which `X` names",
        ),
        ("sigma = [\"\"]", "fields.toml:15: a text that is not empty should stand here"),
        (
            "[[field]]\nname = \"x\"\ndescription = \"d\"\ntype = \"keyword\"",
            "fields.toml:15: the field `x` stands here a second time",
        ),
    ];
    for (rest, expected) in fields {
        assert_eq!(faults(&field(rest), "", ""), [expected], "{rest}");
    }
    let source = |rest: &str| format!("[[log_source]]\nname = \"p\"\ntitle = \"P\"\n{rest}\n");
    let log_sources = [
        ("domains = [\"moon\"]", "log_sources.toml:11: `moon` is not of the closed list of domains"),
        (
            "when = [{ product = \"w\", platforms = [\"moon\"] }]",
            "log_sources.toml:11: `moon` is not of the closed list of platforms",
        ),
        (
            "when = [{ product = \"w\", events = { Sysmon = [2] } }]",
            "log_sources.toml:11: Sysmon 2 is not in events.csv",
        ),
        ("when = [{ planet = \"w\" }]", "log_sources.toml:11: `planet` is no kind of data source"),
        (
            "when = [{ product = \"w\" }, { product = \"W\" }]",
            "log_sources.toml:11: `p` selects the same data sources as `p`",
        ),
        ("when = [{ product = \"w\", event_field = \"X\" }]", "log_sources.toml:11: `X` is no field"),
    ];
    for (rest, expected) in log_sources {
        let found = faults("", &source(rest), "");
        assert!(found.iter().any(|fault| fault == expected), "{rest}: {found:?}");
    }
    let events = [
        ("Sysmon,1,C,Again,\n", "events.csv:3: Sysmon 1 stands here a second time"),
        ("sysmon,2,C,Other,\n", "events.csv:3: `sysmon` is spelled `Sysmon` before"),
        ("Sysmon,2,C,,\n", "events.csv:3: an event must have a provider, an id and a title"),
    ];
    for (rest, expected) in events {
        assert_eq!(faults("", "", rest), [expected], "{rest}");
    }
}

#[test]
fn every_fault_is_told_at_once() {
    let fields = "[[field]]\nname = \"X\"\ndescription = \"\"\ntype = \"none\"\nsigma = [\"EventID\"]\n";
    assert_eq!(faults(fields, "[[log_source]]\n", "Sysmon,1,C,Again,\n").len(), 6);
}

#[test]
fn a_field_name_of_any_vendor_finds_it() {
    let taxonomy = Taxonomy::builtin();
    let found = |name: &str| taxonomy.find_fields(name).iter().map(|field| field.name.as_str()).collect::<Vec<_>>();
    for name in
        ["Image", "image", "NewProcessName", "process.executable", "process_path", "winlog.event_data.NewProcessName"]
    {
        assert_eq!(found(name), ["Image"], "{name}");
    }
    let of_file_name = found("FileName");
    assert!(of_file_name.contains(&"Image") && of_file_name.contains(&"TargetFilename"), "{of_file_name:?}");
    assert_eq!(found("User")[0], "User");
    // Splunk's dataset before the field, and its model before that.
    for (name, field) in [
        ("Processes.process", "CommandLine"),
        ("Endpoint.Processes.process_name", "Image"),
        ("Processes.parent_process", "ParentCommandLine"),
        ("Registry.registry_path", "TargetObject"),
        ("Filesystem.file_path", "TargetFilename"),
        ("All_Traffic.dest_port", "dest_port"),
        ("Network_Traffic.All_Traffic.dest_ip", "dest_ip"),
    ] {
        assert_eq!(found(name).first(), Some(&field), "{name}");
    }
    assert_eq!(found("no such field"), Vec::<&str>::new());
}

#[test]
fn one_name_means_what_its_data_source_says() {
    use SourceKind::{Category, Product, Service, Table};
    let taxonomy = Taxonomy::builtin();
    type Case<'a> = (Vendor, &'a str, &'a [(SourceKind, &'a str)], &'a str);
    let cases: &[Case<'_>] = &[
        (Vendor::Sigma, "Path", &[(Product, "windows"), (Category, "ps_script")], "ScriptPath"),
        (Vendor::Sigma, "Path", &[(Product, "windows"), (Service, "taskscheduler")], "TaskPath"),
        (Vendor::Sigma, "Status", &[(Product, "windows"), (Service, "security")], "Status"),
        (Vendor::Sigma, "Status", &[(Product, "azure"), (Service, "signinlogs")], "SignInStatus"),
        (Vendor::Sigma, "Status", &[(Product, "azure"), (Service, "auditlogs")], "AuditResult"),
        (Vendor::Sigma, "ClientApp", &[(Product, "azure"), (Service, "signinlogs")], "ClientAppUsed"),
        (Vendor::Sigma, "FailureReason", &[(Product, "windows"), (Service, "security")], "FailureReason"),
        (Vendor::Sigma, "subjectName", &[(Product, "windows"), (Service, "appxpackaging-om")], "subjectName"),
        (Vendor::Sigma, "eventName", &[(Product, "m365"), (Service, "exchange")], "Operation"),
        (Vendor::Sigma, "eventName", &[(Product, "m365"), (Service, "threat_management")], "m365.alert"),
        (Vendor::Sigma, "eventName", &[(Product, "aws"), (Service, "cloudtrail")], "eventName"),
        (
            Vendor::Sigma,
            "eventName",
            &[(Product, "gcp"), (Service, "google_workspace.admin")],
            "google_workspace.eventName",
        ),
        (Vendor::Sigma, "query", &[(Category, "dns")], "QueryName"),
        (Vendor::Sigma, "query", &[(Product, "zeek"), (Service, "dns")], "QueryName"),
        (Vendor::Sigma, "ImagePath", &[(Product, "windows"), (Service, "system")], "ImagePath"),
        (Vendor::Sigma, "ImagePath", &[(Product, "windows"), (Category, "driver_load")], "ImageLoaded"),
        (Vendor::Kusto, "TargetProcessName", &[(Table, "imProcessCreate")], "Image"),
        (Vendor::Kusto, "ActingProcessName", &[(Table, "imProcessCreate")], "ParentImage"),
        (Vendor::Kusto, "ActingProcessName", &[(Table, "imFileEvent")], "Image"),
        (Vendor::Kusto, "OperationName", &[(Table, "AuditLogs")], "operationName"),
    ];
    for (vendor, name, sources, expected) in cases {
        let sources: Vec<_> = sources.iter().map(|(kind, name)| DataSource::new(*kind, *name)).collect();
        let found = taxonomy.resolve(*vendor, name, &sources).map(|used| used.field.name.as_str());
        assert_eq!(found, Some(*expected), "{name} in {sources:?}");
    }
    assert!(taxonomy.resolve(Vendor::Sigma, "query", &[]).is_none());
}

#[test]
fn a_member_of_an_object_is_one_field_in_every_vendor_s_spelling() {
    let taxonomy = Taxonomy::builtin();
    let source = |kind, name: &str| vec![DataSource::new(kind, name)];
    let cloudtrail = [
        (
            Vendor::Sigma,
            vec![DataSource::new(SourceKind::Product, "aws"), DataSource::new(SourceKind::Service, "cloudtrail")],
            "requestParameters.newThing.deep",
        ),
        (
            Vendor::Elastic,
            source(SourceKind::Index, "logs-aws.cloudtrail-*"),
            "aws.cloudtrail.flattened.request_parameters.newThing.deep",
        ),
        (
            Vendor::Elastic,
            source(SourceKind::Index, "logs-aws.cloudtrail-*"),
            "aws.cloudtrail.request_parameters.new_thing.deep",
        ),
        (Vendor::Splunk, source(SourceKind::SourceType, "aws:cloudtrail"), "requestParameters.newThing{}.deep"),
        (Vendor::Kusto, source(SourceKind::Table, "AWSCloudTrail"), "RequestParameters.newThing[0].deep"),
        (Vendor::Panther, source(SourceKind::LogType, "AWS.CloudTrail"), "requestParameters.newThing.deep"),
    ];
    for (vendor, sources, name) in &cloudtrail {
        let found = taxonomy.resolve(*vendor, name, sources).map(|used| used.field.name.clone());
        assert_eq!(found.as_deref(), Some("requestParameters.newthing.deep"), "{vendor} {name}");
    }
    // A listed member is the listed field, however it is spelled.
    for (vendor, sources, name) in [
        (
            Vendor::Elastic,
            source(SourceKind::Index, "logs-aws.cloudtrail-*"),
            "aws.cloudtrail.request_parameters.user_name",
        ),
        (Vendor::Kusto, source(SourceKind::Table, "AWSCloudTrail"), "RequestParameters.userName"),
        (Vendor::Panther, source(SourceKind::LogType, "AWS.CloudTrail"), "requestParameters.userName"),
    ] {
        let found = taxonomy.resolve(vendor, name, &sources).map(|used| used.field.name.as_str());
        assert_eq!(found, Some("requestParameters.userName"), "{vendor} {name}");
    }
    for (vendor, sources, name, expected) in [
        (Vendor::Elastic, Vec::new(), "gcp.audit.request.newThing", "protoPayload.request.newthing"),
        (
            Vendor::Splunk,
            source(SourceKind::SourceType, "google:gcp:pubsub:message"),
            "data.protoPayload.request.newThing",
            "protoPayload.request.newthing",
        ),
        (Vendor::Kusto, source(SourceKind::Table, "GCPAuditLogs"), "Request.newThing", "protoPayload.request.newthing"),
        (
            Vendor::Elastic,
            Vec::new(),
            "azure.auditlogs.properties.target_resources.0.new_thing",
            "TargetResources.newthing",
        ),
        (
            Vendor::Kusto,
            source(SourceKind::Table, "AuditLogs"),
            "TargetResources[0].newThing",
            "TargetResources.newthing",
        ),
        (
            Vendor::Kusto,
            source(SourceKind::Table, "DeviceEvents"),
            "AdditionalFields.NewThing",
            "AdditionalFields.newthing",
        ),
    ] {
        let found = taxonomy.resolve(vendor, name, &sources).map(|used| used.field.name.as_str());
        assert_eq!(found, Some(expected), "{vendor} {name}");
    }
    // Elsewhere the name is another's.
    let sysmon = [DataSource::new(SourceKind::Product, "windows")];
    assert!(taxonomy.resolve(Vendor::Sigma, "requestParameters.newThing", &sysmon).is_none());
    assert!(taxonomy.resolve(Vendor::Sigma, "requestParameters.", &[]).is_none());
}
