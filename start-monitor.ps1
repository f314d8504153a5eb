<#
.SYNOPSIS
Starts etcd-monitor on Windows: finds or builds the program, looks whether it can start, and runs it in this window.

.DESCRIPTION
The program is taken from -Binary, from this folder's target\release or target\debug, or from PATH. Where there is none, it is
built with cargo, which needs Rust (https://rustup.rs) and protoc with its well-known types.

It runs until Ctrl+C. Dashboard, API and metrics are served on 127.0.0.1.

.PARAMETER Endpoints
Endpoints of one cluster, separated by commas; one is enough, the other members are found. Default: 127.0.0.1:2379

.PARAMETER ApiPort
Port of dashboard, API and metrics, 1 to 65535. Default: 8080

.PARAMETER DataDir
Folder for everything that is kept. Default: etcd-monitor-data in this folder

.PARAMETER Binary
The program to start, where it is neither built here nor in PATH.

.PARAMETER Arguments
Further arguments for etcd-monitor, for example: -Arguments '--cacert','ca.pem'

.PARAMETER Help
Prints this help and ends.

.EXAMPLE
.\start-monitor.ps1

.EXAMPLE
.\start-monitor.ps1 -Endpoints 10.0.0.1:2379,10.0.0.2:2379 -ApiPort 9080

.NOTES
For Windows PowerShell 5.1 and PowerShell 7. Where scripts may not run:
powershell -ExecutionPolicy Bypass -File .\start-monitor.ps1
Exit codes: 0 stopped as asked, 1 failed, 2 wrong usage or configuration.
#>
[CmdletBinding(PositionalBinding = $false)]
param(
    [string[]] $Endpoints = @('127.0.0.1:2379'),
    [string] $ApiPort = '8080',
    [string] $DataDir = '',
    [string] $Binary = '',
    [string[]] $Arguments = @(),
    [switch] $Help
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$ExitFailed = 1
$ExitUsage = 2

# Says what is wrong and ends the script.
function Stop-Script {
    param([int] $Code, [string] $Message)
    [Console]::Error.WriteLine("start-monitor: $Message")
    exit $Code
}

# True on Windows; Windows PowerShell 5.1 has no variable for it.
function Test-Windows {
    return [System.IO.Path]::DirectorySeparatorChar -eq '\'
}

function Get-ProgramName {
    if (Test-Windows) { return 'etcd-monitor.exe' }
    return 'etcd-monitor'
}

# The port as a number, or the end of the script.
function Get-Port {
    $number = 0
    $isNumber = [int]::TryParse($ApiPort, [ref] $number)
    if (-not $isNumber -or $number -lt 1 -or $number -gt 65535) {
        Stop-Script $ExitUsage "-ApiPort '$ApiPort' is not a port; give a number from 1 to 65535, for example 8080"
    }
    return $number
}

# The endpoints in one text; both -Endpoints a,b and -Endpoints 'a,b' are understood.
function Get-EndpointList {
    $list = @()
    foreach ($text in $Endpoints) {
        foreach ($endpoint in $text.Split(',')) {
            if ($endpoint.Trim() -ne '') { $list += $endpoint.Trim() }
        }
    }
    if ($list.Count -eq 0) {
        Stop-Script $ExitUsage '-Endpoints is empty; give at least one, for example 10.0.0.1:2379'
    }
    return ($list -join ',')
}

# The program that is there, or nothing.
function Find-Program {
    $name = Get-ProgramName
    foreach ($kind in @('release', 'debug')) {
        $folder = Join-Path (Join-Path $PSScriptRoot 'target') $kind
        $candidate = Join-Path $folder $name
        if (Test-Path -LiteralPath $candidate -PathType Leaf) { return $candidate }
    }
    $inPath = Get-Command $name -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($null -ne $inPath) { return $inPath.Path }
    return $null
}

# Builds the program, or ends the script with what is missing.
function Invoke-Build {
    foreach ($tool in @('cargo', 'protoc')) {
        if ($null -eq (Get-Command $tool -CommandType Application -ErrorAction SilentlyContinue)) {
            Stop-Script $ExitFailed ("etcd-monitor is not built, and $tool is not in PATH to build it. " +
                'Install Rust from https://rustup.rs and protoc with its include folder, or name the program with -Binary')
        }
    }
    Write-Host 'etcd-monitor is not built yet; building it takes some minutes.'
    Push-Location -LiteralPath $PSScriptRoot
    try {
        & cargo build --locked --release --package etcd-monitor --bin etcd-monitor | Out-Host
        $code = $LASTEXITCODE
    } finally {
        Pop-Location
    }
    if ($code -ne 0) {
        Stop-Script $ExitFailed "cargo build ended with $code; its messages above say why"
    }
    $built = Find-Program
    if ($null -eq $built) {
        Stop-Script $ExitFailed 'cargo built etcd-monitor into another folder; name the program with -Binary'
    }
    return $built
}

# The program to start: the one that was named, one that is there, or one that is built now.
function Get-Program {
    if ($Binary -ne '') {
        if (-not (Test-Path -LiteralPath $Binary -PathType Leaf)) {
            Stop-Script $ExitUsage "-Binary '$Binary' is not a file"
        }
        return (Resolve-Path -LiteralPath $Binary).ProviderPath
    }
    $found = Find-Program
    if ($null -ne $found) { return $found }
    return (Invoke-Build)
}

# Ends the script where something else listens on the port.
function Assert-PortFree {
    param([int] $Port)
    $listener = New-Object System.Net.Sockets.TcpListener([System.Net.IPAddress]::Loopback, $Port)
    try {
        $listener.Start()
    } catch {
        Stop-Script $ExitFailed "port $Port of 127.0.0.1 is taken; choose another with -ApiPort"
    } finally {
        $listener.Stop()
    }
}

if ($Help) {
    Get-Help -Name $PSCommandPath -Full | Out-Host
    exit 0
}

$port = Get-Port
$endpointList = Get-EndpointList
if ($DataDir -eq '') { $DataDir = Join-Path $PSScriptRoot 'etcd-monitor-data' }
Assert-PortFree -Port $port
$program = Get-Program

$all = @('--endpoints', $endpointList, '--api-port', "$port", '--data-dir', $DataDir) + $Arguments
Write-Host "Starting $program for $endpointList"
Write-Host "Dashboard: http://127.0.0.1:$port/    Ctrl+C ends it."
# What the program writes to stderr is its log, not an error of this script.
$ErrorActionPreference = 'Continue'
& $program @all
exit $LASTEXITCODE
