//! The script for Windows.

use crate::{assert_success, root, text, tool};

const FILE: &str = "start-monitor.ps1";

#[test]
fn powershell_parses_the_script_and_prints_its_help() {
    let path = root().join(FILE);
    let path = path.to_str().unwrap();
    let parse = format!(
        "$errors = $null; \
         [void][System.Management.Automation.Language.Parser]::ParseFile('{path}', [ref]$null, [ref]$errors); \
         $errors | Out-Host; exit @($errors).Count"
    );
    let flags = ["-NoProfile", "-NonInteractive"];
    let arguments = [&flags[..], &["-Command", &parse]].concat();
    let Some(parsed) = tool(
        "pwsh",
        &arguments,
        "whether PowerShell takes start-monitor.ps1",
    ) else {
        return;
    };
    assert_success(&parsed, "the script's syntax");
    let run = |arguments: &[&str]| {
        let arguments = [&flags[..], &["-File", path], arguments].concat();
        tool("pwsh", &arguments, "the script's help").unwrap()
    };
    let help = run(&["-Help"]);
    assert_success(&help, "-Help");
    assert!(String::from_utf8_lossy(&help.stdout).contains("-Endpoints"));
    let refused = run(&["-ApiPort", "99999"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("99999"));
}

/// Windows PowerShell 5.1 reads a file without a mark as the machine's own encoding, and knows less than PowerShell 7.
#[test]
fn the_script_keeps_to_what_windows_powershell_knows() {
    let script = text(FILE);
    assert!(
        script.is_ascii(),
        "only ASCII is the same in every encoding"
    );
    let (_, code) = script.split_once("#>").unwrap();
    for (number, line) in code.lines().enumerate() {
        let code = line.split('#').next().unwrap();
        for newer in [" && ", " || ", "??", "?.", " ? ", "$IsWindows", "-Parallel"] {
            assert!(
                !code.contains(newer),
                "line {number} behind the help: {newer} in {line}"
            );
        }
    }
}

#[test]
fn its_parameters_are_flags_of_the_program_and_all_are_explained() {
    let script = text(FILE);
    for (parameter, flag) in [
        ("Endpoints", "--endpoints"),
        ("ApiPort", "--api-port"),
        ("DataDir", "--data-dir"),
    ] {
        assert!(
            script.contains(&format!(".PARAMETER {parameter}\n")),
            "{parameter}"
        );
        assert!(script.contains(&format!("'{flag}', ")), "{flag}");
    }
    assert!(script.contains(".PARAMETER Help\n"));
}
