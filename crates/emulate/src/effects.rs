//! What commands do besides running: registry values, files, hosts, services, tasks, accounts, cleared logs.

use serde_json::{Value, json};

use crate::{
    Platform,
    event::{EventKind, Process, Recorder},
    powershell::argument,
};

/// Characters of a script that PowerShell logs in one event.
const MAX_SCRIPT_BLOCK: usize = 16 << 10;
/// Hosts of one command.
const MAX_HOSTS: usize = 16;
/// The security identifier of a user, as Sysmon writes the user's part of the registry.
const USER_KEY: &str = r"HKU\S-1-5-21-1111111111-2222222222-3333333333-1001";

/// PowerShell logs a script that it runs.
pub(crate) fn script_block(recorder: &mut Recorder, text: &str) {
    if recorder.platform != Platform::Windows {
        return;
    }
    let end = text.char_indices().nth(MAX_SCRIPT_BLOCK).map_or(text.len(), |(end, _)| end);
    let fields = json!({"ScriptBlockText": text.get(..end).unwrap_or_default(), "MessageNumber": 1, "MessageTotal": 1, "Path": ""});
    let log = ("Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational", 4104);
    recorder.windows(EventKind::Script, log, fields, Vec::new());
}

/// What a program does beyond running, as its arguments say.
pub(crate) fn of_program(recorder: &mut Recorder, name: &str, arguments: &[String], process: &Process) {
    let word = |at: usize| arguments.get(at).map(|word| word.to_ascii_lowercase()).unwrap_or_default();
    match (name.to_ascii_lowercase().as_str(), word(0).as_str()) {
        ("reg", "add") => {
            if let Some(key) = arguments.get(1) {
                let value = option(arguments, "/v").unwrap_or(if has(arguments, "/ve") { "(Default)" } else { "" });
                let data =
                    details(option(arguments, "/t").unwrap_or("REG_SZ"), option(arguments, "/d").unwrap_or_default());
                registry_value(recorder, key, value, &data, process);
            }
        }
        ("reg", "delete") => {
            if let Some(key) = arguments.get(1) {
                registry_deleted(recorder, key, option(arguments, "/v"), process);
            }
        }
        ("sc", _) if arguments.iter().any(|word| word.eq_ignore_ascii_case("create")) => {
            let at = arguments.iter().position(|word| word.eq_ignore_ascii_case("create")).unwrap_or_default();
            if let Some(service) = arguments.get(at + 1) {
                let path = assigned(arguments, "binpath=").unwrap_or_default();
                let start = assigned(arguments, "start=").unwrap_or_else(|| "demand".to_owned());
                service_installed(recorder, service, &path, &start, process);
            }
        }
        ("schtasks", _) if has(arguments, "/create") => {
            if let Some(task) = option(arguments, "/tn") {
                task_created(recorder, task, option(arguments, "/tr").unwrap_or_default());
            }
        }
        ("net" | "net1", "user") if has(arguments, "/add") => {
            if let Some(user) = arguments.get(1) {
                account(recorder, 4720, json!({"TargetUserName": user, "SamAccountName": user}));
            }
        }
        ("net" | "net1", "localgroup" | "group") if has(arguments, "/add") => {
            if let (Some(group), Some(member)) = (arguments.get(1), arguments.get(2)) {
                account(recorder, 4732, json!({"TargetUserName": group, "MemberName": member}));
            }
        }
        ("wevtutil", "cl" | "clear-log") => {
            if let Some(log) = arguments.get(1) {
                log_cleared(recorder, log);
            }
        }
        ("cp" | "mv" | "touch" | "tee", _) if recorder.platform != Platform::Windows => {
            if let Some(target) = arguments.iter().rev().find(|word| !word.starts_with('-')) {
                file_written(recorder, target, process);
            }
        }
        ("rm" | "shred" | "unlink", _) if recorder.platform != Platform::Windows => {
            for target in arguments.iter().filter(|word| !word.starts_with('-')) {
                file_deleted(recorder, target, process);
            }
        }
        ("curl" | "wget" | "certutil" | "bitsadmin", _) => {
            let target = match name.to_ascii_lowercase().as_str() {
                "curl" => option(arguments, "-o").or_else(|| option(arguments, "--output")).map(str::to_owned),
                "wget" => option(arguments, "-O").map(str::to_owned),
                _ => {
                    let url = arguments.iter().position(|word| word.contains("://"));
                    url.and_then(|at| arguments.get(at + 1)).filter(|word| !word.starts_with('-')).cloned()
                }
            };
            if let Some(target) = target.filter(|target| target != "-") {
                file_written(recorder, &target, process);
            }
        }
        _ => {}
    }
}

/// What a cmdlet does; whether it is one that is known.
pub(crate) fn cmdlet(recorder: &mut Recorder, name: &str, words: &[String], process: &Process) -> bool {
    let path = || argument(words, &["-path", "-literalpath", "-filepath", "-destinationpath"], 0);
    let registry = |path: &&str| sysmon_key(path).is_some();
    match name {
        "set-itemproperty" | "new-itemproperty" => {
            let Some(key) = path().filter(registry) else { return true };
            let value = argument(words, &["-name"], 1).unwrap_or_default();
            let data = argument(words, &["-value"], 2).unwrap_or_default();
            let kind = argument(words, &["-propertytype", "-type"], 9).unwrap_or_default();
            let is_number =
                kind.to_ascii_lowercase().ends_with("word") || (kind.is_empty() && data.parse::<u32>().is_ok());
            let data = details(if is_number { "REG_DWORD" } else { "REG_SZ" }, data);
            registry_value(recorder, key, value, &data, process);
        }
        "remove-itemproperty" => {
            if let Some(key) = path().filter(registry) {
                registry_deleted(recorder, key, argument(words, &["-name"], 1), process);
            }
        }
        "new-item" | "set-content" | "add-content" | "out-file" | "tee-object" => match path() {
            Some(key) if registry(&key) && name == "new-item" => {
                let Some(key) = sysmon_key(key) else { return true };
                registry_event(
                    recorder,
                    12,
                    json!({"EventType": "CreateKey", "TargetObject": key}),
                    process,
                    EventKind::RegistryValue,
                );
            }
            Some(file) => file_written(recorder, file, process),
            None => {}
        },
        "copy-item" | "move-item" => {
            if let Some(target) = argument(words, &["-destination"], 1) {
                file_written(recorder, target, process);
            }
        }
        "invoke-webrequest" | "invoke-restmethod" | "start-bitstransfer" => {
            if let Some(target) = argument(words, &["-outfile", "-destination"], 9) {
                file_written(recorder, target, process);
            }
        }
        "remove-item" => match path() {
            Some(key) if registry(&key) => registry_deleted(recorder, key, None, process),
            Some(file) => file_deleted(recorder, file, process),
            None => {}
        },
        "new-service" => {
            let service = argument(words, &["-name"], 0).unwrap_or_default();
            let file = argument(words, &["-binarypathname"], 1).unwrap_or_default();
            service_installed(recorder, service, file, "auto", process);
        }
        "register-scheduledtask" => {
            if let Some(task) = argument(words, &["-taskname"], 0) {
                task_created(recorder, task, "");
            }
        }
        "new-localuser" => {
            if let Some(user) = argument(words, &["-name"], 0) {
                account(recorder, 4720, json!({"TargetUserName": user, "SamAccountName": user}));
            }
        }
        "add-localgroupmember" => {
            let group = argument(words, &["-group"], 0).unwrap_or_default();
            let member = argument(words, &["-member"], 1).unwrap_or_default();
            account(recorder, 4732, json!({"TargetUserName": group, "MemberName": member}));
        }
        "clear-eventlog" => {
            if let Some(log) = argument(words, &["-logname"], 0) {
                log_cleared(recorder, log);
            }
        }
        _ => return false,
    }
    true
}

/// A file that a command writes.
pub(crate) fn file_written(recorder: &mut Recorder, file: &str, process: &Process) {
    file_event(recorder, file, process, EventKind::File);
}

fn file_deleted(recorder: &mut Recorder, file: &str, process: &Process) {
    file_event(recorder, file, process, EventKind::FileDeletion);
}

fn file_event(recorder: &mut Recorder, file: &str, process: &Process, kind: EventKind) {
    // Devices, streams, variables that nobody set, and patterns are no files.
    let is_device =
        ["nul", "con", "/dev/null", "/dev/stdout", "/dev/stderr"].contains(&file.to_ascii_lowercase().as_str());
    if is_device || file.is_empty() || file.starts_with(['$', '%', '&', '(']) || file.contains(['*', '?', '\n']) {
        return;
    }
    if recorder.platform == Platform::Windows {
        let is_whole = file.get(1..3) == Some(":\\") || file.starts_with("\\\\");
        let (path, inferred) = match is_whole {
            true => (file.to_owned(), Vec::new()),
            false => (format!("C:\\Users\\user\\AppData\\Local\\Temp\\{file}"), vec!["TargetFilename"]),
        };
        let fields = match process.is_unknown() {
            true => json!({"TargetFilename": path}),
            false => json!({"Image": process.image.path, "TargetFilename": path, "ProcessId": process.id.to_string()}),
        };
        recorder.sysmon(kind, if kind == EventKind::File { 11 } else { 23 }, fields, inferred);
    } else {
        let is_whole = file.starts_with('/');
        let (path, inferred) = match is_whole {
            true => (file.to_owned(), Vec::new()),
            false => (format!("/tmp/{}", file.trim_start_matches("./")), vec!["file.path"]),
        };
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let mut fields = json!({
            "file.path": path, "file.name": name, "file.extension": name.rsplit_once('.').map(|(_, ending)| ending),
        });
        if !process.is_unknown() {
            set(&mut fields, "process.executable", &process.image.path);
            set(&mut fields, "process.name", process.image.name());
            set(&mut fields, "process.entity_id", &process.id.to_string());
        }
        let action = if kind == EventKind::File { "creation" } else { "deletion" };
        let head = json!({"event.category": ["file"], "event.type": [action], "event.action": action, "event.dataset": "endpoint.events.file"});
        recorder.endpoint(kind, head, fields, inferred);
    }
}

/// The target of `copy` and its like.
pub(crate) fn copied(recorder: &mut Recorder, words: &[String], process: &Process) {
    let files: Vec<&String> =
        words.iter().skip(1).filter(|word| !word.starts_with(['/', '-']) || word.len() > 3).collect();
    let [source, .., target] = &files[..] else { return };
    // Into a folder the name stays.
    let target = match target.ends_with(['\\', '/']) {
        true => format!("{target}{}", source.rsplit(['\\', '/']).next().unwrap_or_default()),
        false => (*target).clone(),
    };
    file_written(recorder, &target, process);
}

/// The files of `del`.
pub(crate) fn deleted(recorder: &mut Recorder, words: &[String], process: &Process) {
    for file in words.iter().skip(1).filter(|word| !word.starts_with('/') || word.len() > 3) {
        file_deleted(recorder, file, process);
    }
}

fn registry_value(recorder: &mut Recorder, key: &str, value: &str, data: &str, process: &Process) {
    let Some(key) = sysmon_key(key) else { return };
    if value.is_empty() {
        return registry_event(
            recorder,
            12,
            json!({"EventType": "CreateKey", "TargetObject": key}),
            process,
            EventKind::RegistryValue,
        );
    }
    let fields = json!({"EventType": "SetValue", "TargetObject": format!("{key}\\{value}"), "Details": data});
    registry_event(recorder, 13, fields, process, EventKind::RegistryValue);
}

fn registry_deleted(recorder: &mut Recorder, key: &str, value: Option<&str>, process: &Process) {
    let Some(key) = sysmon_key(key) else { return };
    let fields = match value {
        Some(value) => json!({"EventType": "DeleteValue", "TargetObject": format!("{key}\\{value}")}),
        None => json!({"EventType": "DeleteKey", "TargetObject": key}),
    };
    registry_event(recorder, 12, fields, process, EventKind::RegistryDeletion);
}

fn registry_event(recorder: &mut Recorder, id: u32, mut fields: Value, process: &Process, kind: EventKind) {
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("Image".to_owned(), process.image.path.as_str().into());
        fields.insert("ProcessId".to_owned(), process.id.to_string().into());
    }
    recorder.sysmon(kind, id, fields, Vec::new());
}

/// A key as Sysmon writes it; `None` for what is no key of the registry.
fn sysmon_key(key: &str) -> Option<String> {
    let key = key.trim_matches(['"', '\'']);
    let key = key.get(..10).filter(|start| start.eq_ignore_ascii_case("registry::")).map_or(key, |_| &key[10..]);
    let (root, rest) = key.split_once(['\\', '/']).unwrap_or((key, ""));
    let root = match root.trim_end_matches(':').to_ascii_uppercase().as_str() {
        "HKLM" | "HKEY_LOCAL_MACHINE" => "HKLM",
        "HKCU" | "HKEY_CURRENT_USER" => USER_KEY,
        "HKU" | "HKEY_USERS" => "HKU",
        "HKCR" | "HKEY_CLASSES_ROOT" => "HKCR",
        "HKCC" | "HKEY_CURRENT_CONFIG" => "HKLM\\System\\CurrentControlSet\\Hardware Profiles\\Current",
        _ => return None,
    };
    let rest = rest.trim_matches(['\\', '/']);
    Some(if rest.is_empty() { root.to_owned() } else { format!("{root}\\{rest}") })
}

/// A value as Sysmon writes it.
fn details(kind: &str, data: &str) -> String {
    let number = || match data.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => data.parse().ok(),
    };
    match (kind.to_ascii_uppercase().as_str(), number()) {
        ("REG_DWORD", Some(number)) => format!("DWORD (0x{number:08x})"),
        ("REG_QWORD", Some(number)) => format!("QWORD (0x{:08x}-0x{:08x})", number >> 32, number & 0xffff_ffff),
        ("REG_BINARY", _) => "Binary Data".to_owned(),
        _ => data.to_owned(),
    }
}

fn service_installed(recorder: &mut Recorder, name: &str, path: &str, start: &str, process: &Process) {
    let fields = json!({
        "ServiceName": name, "ImagePath": path, "ServiceType": "user mode service", "StartType": format!("{start} start"),
        "AccountName": "LocalSystem",
    });
    recorder.windows(
        EventKind::Service,
        ("Service Control Manager", "System", 7045),
        fields,
        vec!["AccountName", "ServiceType"],
    );
    let fields = json!({"ServiceName": name, "ServiceFileName": path, "ServiceAccount": "LocalSystem"});
    let log = ("Microsoft-Windows-Security-Auditing", "Security", 4697);
    recorder.windows(EventKind::Service, log, fields, vec!["ServiceAccount"]);
    let services = Process {
        image: crate::knowledge::Image::of(r"C:\Windows\System32\services.exe", recorder.platform),
        ..process.clone()
    };
    registry_value(recorder, &format!(r"HKLM\System\CurrentControlSet\Services\{name}"), "ImagePath", path, &services);
}

fn task_created(recorder: &mut Recorder, name: &str, command: &str) {
    let name = format!("\\{}", name.trim_start_matches('\\'));
    let content = format!("<Task><Actions><Exec><Command>{command}</Command></Exec></Actions></Task>");
    let log = ("Microsoft-Windows-Security-Auditing", "Security", 4698);
    recorder.windows(EventKind::Task, log, json!({"TaskName": name, "TaskContent": content}), vec!["TaskContent"]);
    let log = ("Microsoft-Windows-TaskScheduler", "Microsoft-Windows-TaskScheduler/Operational", 106);
    recorder.windows(EventKind::Task, log, json!({"TaskName": name, "UserContext": "HOST\\user"}), vec!["UserContext"]);
    let service = Process {
        image: crate::knowledge::Image::of(r"C:\Windows\System32\svchost.exe", recorder.platform),
        command_line: r"C:\Windows\system32\svchost.exe -k netsvcs -p -s Schedule".to_owned(),
        id: 1200,
    };
    file_written(recorder, &format!(r"C:\Windows\System32\Tasks{name}"), &service);
}

fn account(recorder: &mut Recorder, id: u32, fields: Value) {
    recorder.windows(EventKind::Account, ("Microsoft-Windows-Security-Auditing", "Security", id), fields, Vec::new());
}

fn log_cleared(recorder: &mut Recorder, log: &str) {
    if log.eq_ignore_ascii_case("security") {
        let fields = json!({"SubjectUserName": "user"});
        return recorder.windows(
            EventKind::LogCleared,
            ("Microsoft-Windows-Eventlog", "Security", 1102),
            fields,
            vec!["SubjectUserName"],
        );
    }
    recorder.windows(
        EventKind::LogCleared,
        ("Microsoft-Windows-Eventlog", "System", 104),
        json!({"Channel": log}),
        Vec::new(),
    );
}

/// The hosts of the addresses that a text names: looked up, and connected to.
pub(crate) fn hosts(recorder: &mut Recorder, text: &str, process: &Process) {
    let mut seen: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let scheme = rest.get(..at).unwrap_or_default();
        rest = rest.get(at + 3..).unwrap_or_default();
        let port = match scheme
            .rsplit(|character: char| !character.is_ascii_alphabetic())
            .next()
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("https") => 443,
            Some("http") => 80,
            Some("ftp") => 21,
            _ => continue,
        };
        let end = rest.find(|character: char| !(character.is_ascii_alphanumeric() || ".-_:@[]".contains(character)));
        let authority = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let (host, port) =
            match host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())) {
                Some((host, own)) => (host, own.parse().unwrap_or(port)),
                None => (host, port),
            };
        if host.is_empty() || seen.len() >= MAX_HOSTS || seen.iter().any(|known| known == host) {
            continue;
        }
        seen.push(host.to_owned());
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        connection(recorder, host, is_address, port, process);
    }
}

fn connection(recorder: &mut Recorder, host: &str, is_address: bool, port: u16, process: &Process) {
    let is_windows = recorder.platform == Platform::Windows;
    let id = process.id.to_string();
    if !is_address && is_windows {
        let fields = json!({"Image": process.image.path, "QueryName": host, "QueryStatus": "0", "ProcessId": id});
        recorder.sysmon(EventKind::Dns, 22, fields, vec!["QueryStatus"]);
    } else if !is_address {
        let fields = json!({"dns.question.name": host, "process.executable": process.image.path, "process.name": process.image.name(), "process.entity_id": id});
        let head = json!({"event.category": ["network"], "event.type": ["protocol"], "event.action": "lookup_requested", "event.dataset": "endpoint.events.network"});
        recorder.endpoint(EventKind::Dns, head, fields, Vec::new());
    }
    let name = if is_address { "" } else { host };
    // Of a host that is known by name the address is not.
    if is_windows {
        let mut fields = json!({
            "Image": process.image.path, "DestinationPort": port.to_string(), "Initiated": "true", "Protocol": "tcp", "ProcessId": id,
        });
        set(&mut fields, if is_address { "DestinationIp" } else { "DestinationHostname" }, host);
        recorder.sysmon(EventKind::Network, 3, fields, vec!["Protocol"]);
    } else {
        let mut fields = json!({
            "process.executable": process.image.path, "process.name": process.image.name(), "destination.port": port,
            "network.transport": "tcp", "process.entity_id": id,
        });
        set(
            &mut fields,
            if is_address { "destination.ip" } else { "destination.domain" },
            if is_address { host } else { name },
        );
        let head = json!({"event.category": ["network"], "event.type": ["start"], "event.action": "connection_attempted", "event.dataset": "endpoint.events.network"});
        recorder.endpoint(EventKind::Network, head, fields, vec!["network.transport"]);
    }
}

fn set(fields: &mut Value, name: &str, value: &str) {
    if let Some(fields) = fields.as_object_mut() {
        fields.insert(name.to_owned(), value.into());
    }
}

fn has(words: &[String], wanted: &str) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(wanted))
}

/// The word behind an option.
fn option<'a>(words: &'a [String], name: &str) -> Option<&'a str> {
    let is_named = |word: &String| if name.starts_with('-') { word == name } else { word.eq_ignore_ascii_case(name) };
    words.get(words.iter().position(is_named)? + 1).map(String::as_str)
}

/// The value of `name= value` or `name=value`.
fn assigned(words: &[String], name: &str) -> Option<String> {
    let at =
        words.iter().position(|word| word.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))?;
    let own = words.get(at)?.get(name.len()..)?;
    if own.is_empty() { words.get(at + 1).cloned() } else { Some(own.to_owned()) }
}
