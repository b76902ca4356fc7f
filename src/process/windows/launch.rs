//! Starts one program: in its job from its first moment on, with exactly three handles, and without a window.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{HANDLE, HANDLE_FLAG_INHERIT, SetHandleInformation};
use windows_sys::Win32::System::Threading::{
    CREATE_NO_WINDOW, CREATE_UNICODE_ENVIRONMENT, CreateProcessW, DeleteProcThreadAttributeList,
    EXTENDED_STARTUPINFO_PRESENT, InitializeProcThreadAttributeList, LPPROC_THREAD_ATTRIBUTE_LIST,
    PROC_THREAD_ATTRIBUTE_HANDLE_LIST, PROC_THREAD_ATTRIBUTE_JOB_LIST, PROCESS_INFORMATION,
    STARTF_USESTDHANDLES, STARTUPINFOEXW, UpdateProcThreadAttribute,
};

use super::failure;
use super::job::Job;
use super::pipes::wide;
use super::words;
use crate::process::{Command, FailureKind, SpawnFailure};

/// Units of the path of a program above which the system needs the prefix `\\?\`.
const LONGEST_PLAIN_PATH: usize = 259;
/// Units that the path of a working directory may have: it may have no such prefix.
const LONGEST_CWD: usize = 258;

pub struct Launched {
    pub process: OwnedHandle,
    pub pid: u32,
}

/// A program with everything in the form that the system needs.
struct Prepared {
    path: Vec<u16>,
    line: Vec<u16>,
    environment: Vec<u16>,
    cwd: Option<Vec<u16>>,
}

pub fn launch(command: &Command, theirs: &[OwnedHandle; 3], job: &Job) -> Result<Launched, SpawnFailure> {
    let mut prepared = prepare(command)?;
    start(&mut prepared, theirs, job).map_err(|cause| failure::diagnose(command, &cause))
}

fn prepare(command: &Command) -> Result<Prepared, SpawnFailure> {
    let program = command.program.display();
    let unusable = |why| failure::unusable(command, why);
    if let Some(user) = &command.user {
        let text = format!(
            "running {program} as the user {user} is not possible on Windows; leave the option user out"
        );
        return Err(SpawnFailure::new(FailureKind::Unsupported, None, text));
    }
    if command.program.to_str().is_none_or(words::is_batch_file) {
        let text = format!(
            "{program} is a batch file: Windows would run it through cmd.exe, which acts on what stands in its arguments; \
             name the program behind it, for Claude Code of npm \
             node_modules\\@anthropic-ai\\claude-code\\bin\\claude.exe beside the batch file"
        );
        return Err(SpawnFailure::new(FailureKind::NotExecutable, None, text));
    }
    let path = absolute(command);
    let args: Vec<Vec<u16>> = command.args.iter().map(|arg| units(arg)).collect();
    let variables: Vec<_> = command.env.iter().map(|(name, value)| (units(name), units(value))).collect();
    Ok(Prepared {
        line: words::command_line(&units(command.program.as_os_str()), &args).map_err(unusable)?,
        environment: words::environment(&variables).map_err(unusable)?,
        path: wide(verbatim(path).as_os_str()),
        cwd: command.cwd.as_deref().map(working_directory).transpose()?,
    })
}

fn units(text: &OsStr) -> Vec<u16> {
    text.encode_wide().collect()
}

/// The system would resolve a relative path against the host's own directory, and look for a bare name elsewhere.
pub fn absolute(command: &Command) -> PathBuf {
    let path = match &command.cwd {
        Some(cwd) => cwd.join(&command.program),
        None => command.program.clone(),
    };
    std::path::absolute(&path).unwrap_or(path)
}

fn verbatim(path: PathBuf) -> PathBuf {
    let text = path.as_os_str();
    if text.len() <= LONGEST_PLAIN_PATH || text.as_encoded_bytes().starts_with(br"\\") {
        return path;
    }
    let mut prefixed = OsString::from(r"\\?\");
    prefixed.push(text);
    prefixed.into()
}

fn working_directory(cwd: &Path) -> Result<Vec<u16>, SpawnFailure> {
    let path = wide(cwd.as_os_str());
    if path.len() - 1 > LONGEST_CWD {
        let text = format!(
            "the path of the working directory {} has more than {LONGEST_CWD} characters, which Windows cannot start a \
             program in; choose another one",
            cwd.display()
        );
        return Err(SpawnFailure::new(FailureKind::TooLong, None, text));
    }
    Ok(path)
}

fn start(prepared: &mut Prepared, theirs: &[OwnedHandle; 3], job: &Job) -> io::Result<Launched> {
    let handles = theirs.each_ref().map(|handle| handle.as_raw_handle());
    let jobs = [job.handle()];
    let mut attributes = Attributes::new(2)?;
    attributes.set(PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &handles)?;
    attributes.set(PROC_THREAD_ATTRIBUTE_JOB_LIST, &jobs)?;
    let mut startup = STARTUPINFOEXW::default();
    startup.StartupInfo.cb = size_of::<STARTUPINFOEXW>() as u32;
    startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    [startup.StartupInfo.hStdInput, startup.StartupInfo.hStdOutput, startup.StartupInfo.hStdError] = handles;
    startup.lpAttributeList = attributes.list();
    // Now, and closed by the caller behind the start: the host may start programs of its own that inherit everything.
    for handle in handles {
        // SAFETY: the handle is open.
        if unsafe { SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) } == 0 {
            return Err(io::Error::last_os_error());
        }
    }
    let flags = CREATE_NO_WINDOW | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT;
    let mut made = PROCESS_INFORMATION::default();
    // SAFETY: every text ends with a NUL, the environment with two; all of them, the attributes and what they point to outlive
    // the call, which may write to the line only.
    let started = unsafe {
        CreateProcessW(
            prepared.path.as_ptr(),
            prepared.line.as_mut_ptr(),
            null(),
            null(),
            1,
            flags,
            prepared.environment.as_ptr().cast(),
            prepared.cwd.as_ref().map_or(null(), |cwd| cwd.as_ptr()),
            &startup.StartupInfo,
            &mut made,
        )
    };
    if started == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both handles have just been opened for us.
    let [process, _thread] =
        [made.hProcess, made.hThread].map(|handle| unsafe { OwnedHandle::from_raw_handle(handle) });
    Ok(Launched { process, pid: made.dwProcessId })
}

/// What a start is given besides the plain parameters.
struct Attributes(Vec<u64>);

impl Attributes {
    fn new(count: u32) -> io::Result<Attributes> {
        let mut size = 0;
        // SAFETY: without a list the call only writes the size.
        unsafe { InitializeProcThreadAttributeList(null_mut(), count, 0, &mut size) };
        let mut memory = vec![0; size.div_ceil(size_of::<u64>())];
        // SAFETY: the memory is as large as was asked for, and aligned.
        if unsafe { InitializeProcThreadAttributeList(memory.as_mut_ptr().cast(), count, 0, &mut size) } == 0
        {
            return Err(io::Error::last_os_error());
        }
        Ok(Attributes(memory))
    }

    fn list(&mut self) -> LPPROC_THREAD_ATTRIBUTE_LIST {
        self.0.as_mut_ptr().cast()
    }

    /// The values must live until the start.
    fn set(&mut self, attribute: u32, values: &[HANDLE]) -> io::Result<()> {
        // SAFETY: the list is initialised, and the caller keeps the values.
        let set = unsafe {
            UpdateProcThreadAttribute(
                self.list(),
                0,
                attribute as usize,
                values.as_ptr().cast(),
                size_of_val(values),
                null_mut(),
                null(),
            )
        };
        if set == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: the list was initialised.
        unsafe { DeleteProcThreadAttributeList(self.list()) };
    }
}
