//! Answers questions about the kernel that it runs on, for a grader that runs on another.
//!
//! It is all that there is in its image: no C library, no shell. It reads questions from standard
//! input and writes answers to standard output until the input ends, so it cannot outlive the
//! grader. `src/kernel/wire.rs` has the other side of the wire; the two change together.
//!
//! Question: one byte for what, four for the length of the rest (little endian), the rest.
//! Answer: four bytes of status (0, or the negative number of the kernel's error), one for the
//! step at which it came up, four for the length of the rest, the rest.
//!
//! This is the only file of the project with unsafe code: there is no other way to call a kernel
//! without a library.

#![no_std]
#![no_main]
// The loops of `memcpy` below must not be turned into calls of `memcpy`.
#![no_builtins]

use core::arch::{asm, global_asm};

/// The longest question; a path of the kernel's is 4096 bytes at most.
const QUESTION: usize = 16 * 1024;
/// The longest answer.
const ANSWER: usize = 1 << 20;

const STEP_WHOLE: u8 = 0;
const STEP_OPEN_FOLDER: u8 = 1;
const STEP_CREATE: u8 = 2;
const STEP_REMOVE: u8 = 3;

const EINTR: isize = 4;
const ESRCH: isize = 3;
const EINVAL: isize = 22;
const ENOSYS: isize = 38;

const AT_FDCWD: isize = -100;
const O_WRONLY: usize = 0o1;
const O_CREAT: usize = 0o100;
const O_EXCL: usize = 0o200;
const O_CLOEXEC: usize = 0o2000000;
const O_PATH: usize = 0o10000000;
const RESOLVE_IN_ROOT: u64 = 0x10;

#[cfg(target_arch = "x86_64")]
mod machine {
    pub const O_DIRECTORY: usize = 0o200000;
    pub const O_NOFOLLOW: usize = 0o400000;
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const NANOSLEEP: usize = 35;
    pub const CLOSE: usize = 3;
    pub const KILL: usize = 62;
    pub const GETDENTS64: usize = 217;
    pub const EXIT_GROUP: usize = 231;
    pub const OPENAT: usize = 257;
    pub const UNLINKAT: usize = 263;
    pub const READLINKAT: usize = 267;
}

#[cfg(target_arch = "aarch64")]
mod machine {
    pub const O_DIRECTORY: usize = 0o40000;
    pub const O_NOFOLLOW: usize = 0o100000;
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const NANOSLEEP: usize = 101;
    pub const CLOSE: usize = 57;
    pub const KILL: usize = 129;
    pub const GETDENTS64: usize = 61;
    pub const EXIT_GROUP: usize = 94;
    pub const OPENAT: usize = 56;
    pub const UNLINKAT: usize = 35;
    pub const READLINKAT: usize = 78;
}

// The same on both.
const PIDFD_SEND_SIGNAL: usize = 424;
const PIDFD_OPEN: usize = 434;
const OPENAT2: usize = 437;

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {main}",
    "ud2",
    main = sym main,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov x29, #0",
    "mov x0, sp",
    "bl {main}",
    "brk #1",
    main = sym main,
);

/// `stack` is where the kernel has put the number of arguments, and addresses of them behind it.
extern "C" fn main(stack: *const usize) -> ! {
    if let Some(seconds) = seconds_to_sleep(stack) {
        sleep(seconds);
        exit(0)
    }
    let mut memory = Memory {
        question: &mut [0; QUESTION],
        answer: Answer {
            // SAFETY: `main` runs once, in one thread, and nobody else names the static.
            bytes: unsafe { &mut *(&raw mut ANSWER_BYTES) },
            length: 0,
        },
    };
    exit(if serve(&mut memory).is_some() { 0 } else { 1 })
}

/// The one argument, if there is one: a number of seconds, for which this is only to be there.
fn seconds_to_sleep(stack: *const usize) -> Option<usize> {
    // SAFETY: by the System V ABI the stack begins with the number of arguments and as many addresses
    // of texts that end with a NUL; the first is the program's name.
    let argument = unsafe {
        if *stack < 2 {
            return None;
        }
        *stack.add(2) as *const u8
    };
    let mut seconds: usize = 0;
    for at in 0..6 {
        // SAFETY: the bytes up to the NUL are there, and none behind it is read.
        let byte = unsafe { *argument.add(at) };
        if !byte.is_ascii_digit() {
            break;
        }
        seconds = seconds * 10 + usize::from(byte - b'0');
    }
    Some(seconds)
}

/// Source: nanosleep(2). What interrupts it leaves the rest in the same place.
fn sleep(seconds: usize) {
    let mut rest: [usize; 2] = [seconds, 0];
    let address = rest.as_mut_ptr() as usize;
    while call(machine::NANOSLEEP, [address, address, 0, 0, 0]) == Err(-EINTR) {}
}

static mut ANSWER_BYTES: [u8; ANSWER] = [0; ANSWER];

struct Memory<'a> {
    question: &'a mut [u8; QUESTION],
    answer: Answer<'a>,
}

/// What is being answered; what does not fit is cut.
struct Answer<'a> {
    bytes: &'a mut [u8; ANSWER],
    length: usize,
}

impl Answer<'_> {
    fn add(&mut self, more: &[u8]) {
        for byte in more {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = *byte;
                self.length += 1;
            }
        }
    }
}

/// The kernel's no, as a negative number, and where it came up.
struct No(isize, u8);

/// Answers until the input ends (`Some`) or makes no sense (`None`).
fn serve(memory: &mut Memory) -> Option<()> {
    loop {
        let mut head = [0; 5];
        if !read_exactly(&mut head)? {
            return Some(());
        }
        let [what, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        // One byte stays free for the NUL that ends a path.
        if length >= QUESTION {
            return None;
        }
        let question = memory.question.get_mut(..length)?;
        if !read_exactly(question)? {
            return None;
        }
        memory.answer.length = 0;
        let outcome = answer(what, question, &mut memory.answer);
        let (status, step) = match outcome {
            Ok(()) => (0, STEP_WHOLE),
            Err(No(status, step)) => (status, step),
        };
        if status != 0 {
            memory.answer.length = 0;
        }
        let mut head = [0; 9];
        put(&mut head, 0, &(status as i32).to_le_bytes());
        put(&mut head, 4, &[step]);
        put(&mut head, 5, &(memory.answer.length as u32).to_le_bytes());
        write_all(&head)?;
        write_all(memory.answer.bytes.get(..memory.answer.length)?)?;
    }
}

fn answer(what: u8, question: &[u8], answer: &mut Answer) -> Result<(), No> {
    match what {
        b'F' => find(question, answer),
        b'R' => read_file(question, answer),
        b'L' => read_link(question, answer),
        b'D' => list(question, answer),
        b'S' => signal(question),
        b'W' => try_write(question),
        _ => Err(No(-EINVAL, STEP_WHOLE)),
    }
}

/// Which processes' control groups name this container?
fn find(container: &[u8], answer: &mut Answer) -> Result<(), No> {
    each_name(b"", |name| {
        let is_number = name.iter().all(u8::is_ascii_digit);
        if is_number && names_container(name, container) {
            answer.add(name);
            answer.add(b"\n");
        }
    })
}

fn read_file(path: &[u8], answer: &mut Answer) -> Result<(), No> {
    let file = open(&Path::in_proc(&[path])?, 0)?;
    loop {
        let room = answer.bytes.get_mut(answer.length..).unwrap_or_default();
        // A full answer ends here: the kernel reads nothing into no room.
        let count = read(file.0, room).map_err(whole)?;
        if count == 0 {
            return Ok(());
        }
        answer.length += count;
    }
}

fn read_link(path: &[u8], answer: &mut Answer) -> Result<(), No> {
    let path = Path::in_proc(&[path])?;
    let mut target = [0_u8; 4096];
    let count = call(
        machine::READLINKAT,
        [
            AT_FDCWD as usize,
            path.address(),
            target.as_mut_ptr() as usize,
            target.len(),
            0,
        ],
    )
    .map_err(whole)?;
    answer.add(target.get(..count).unwrap_or_default());
    Ok(())
}

fn list(path: &[u8], answer: &mut Answer) -> Result<(), No> {
    each_name(path, |name| {
        if name != b"." && name != b".." {
            answer.add(name);
            answer.add(b"\n");
        }
    })
}

/// The handle is opened first and the control group read after it, so the signal reaches the
/// process that was looked at or none: a number that was given away again names another.
fn signal(question: &[u8]) -> Result<(), No> {
    let (Some(pid), Some(signal), Some(container)) =
        (number(question, 0), number(question, 4), question.get(8..))
    else {
        return Err(No(-EINVAL, STEP_WHOLE));
    };
    let handle = call(PIDFD_OPEN, [pid, 0, 0, 0, 0]);
    let mut digits = [0; 20];
    if !names_container(decimal(pid, &mut digits), container) {
        return Err(No(-ESRCH, STEP_WHOLE));
    }
    match handle {
        Ok(handle) => {
            let handle = Handle(handle);
            call(PIDFD_SEND_SIGNAL, [handle.0, signal, 0, 0, 0])
        }
        // Before Linux 5.3 there are no handles.
        Err(error) if error == -ENOSYS => call(machine::KILL, [pid, signal, 0, 0, 0]),
        Err(error) => Err(error),
    }
    .map_err(whole)?;
    Ok(())
}

/// The folder is resolved inside the process's root, so that no link in an image leads out.
fn try_write(question: &[u8]) -> Result<(), No> {
    let (Some(pid), Some(rest)) = (number(question, 0), question.get(4..)) else {
        return Err(No(-EINVAL, STEP_WHOLE));
    };
    let mut parts = rest.splitn(2, |byte| *byte == 0);
    let (Some(folder), Some(name)) = (parts.next(), parts.next()) else {
        return Err(No(-EINVAL, STEP_WHOLE));
    };
    let mut digits = [0; 20];
    let root = Path::in_proc(&[decimal(pid, &mut digits), b"/root"])?;
    let root = open(&root, O_PATH | machine::O_DIRECTORY)?;
    let folder = Path::of(&[folder])?;
    let name = Path::of(&[name])?;
    // struct open_how of linux/openat2.h
    let how: [u64; 3] = [
        (O_PATH | machine::O_DIRECTORY | O_CLOEXEC) as u64,
        0,
        RESOLVE_IN_ROOT,
    ];
    let folder = call(
        OPENAT2,
        [
            root.0,
            folder.address(),
            how.as_ptr() as usize,
            size_of_val(&how),
            0,
        ],
    )
    .map_err(|error| No(error, STEP_OPEN_FOLDER))?;
    let folder = Handle(folder);
    let flags = O_WRONLY | O_CREAT | O_EXCL | machine::O_NOFOLLOW | O_CLOEXEC;
    let file = call(machine::OPENAT, [folder.0, name.address(), flags, 0o600, 0])
        .map_err(|error| No(error, STEP_CREATE))?;
    drop(Handle(file));
    call(machine::UNLINKAT, [folder.0, name.address(), 0, 0, 0])
        .map_err(|error| No(error, STEP_REMOVE))?;
    Ok(())
}

/// A process that ends while we look is none of the container's.
fn names_container(pid: &[u8], container: &[u8]) -> bool {
    let mut text = [0; 16 * 1024];
    let Ok(path) = Path::in_proc(&[pid, b"/cgroup"]) else {
        return false;
    };
    let Ok(file) = open(&path, 0) else {
        return false;
    };
    let mut length = 0;
    while let Some(room) = text.get_mut(length..) {
        match read(file.0, room) {
            Ok(0) | Err(_) => break,
            Ok(count) => length += count,
        }
    }
    let text = text.get(..length).unwrap_or_default();
    !container.is_empty()
        && text
            .windows(container.len())
            .any(|window| window == container)
}

/// Calls for each name in a folder below `/proc`. Source: getdents64(2).
fn each_name(path: &[u8], mut with: impl FnMut(&[u8])) -> Result<(), No> {
    let folder = open(&Path::in_proc(&[path])?, machine::O_DIRECTORY)?;
    let mut entries = [0_u8; 32 * 1024];
    loop {
        let count = call(
            machine::GETDENTS64,
            [folder.0, entries.as_mut_ptr() as usize, entries.len(), 0, 0],
        )
        .map_err(whole)?;
        if count == 0 {
            return Ok(());
        }
        let mut rest = entries.get(..count).unwrap_or_default();
        // Eight bytes of inode, eight of offset, two of length, one of kind, the name and a NUL.
        while let Some(&[low, high]) = rest.get(16..18) {
            let length = u16::from_le_bytes([low, high]) as usize;
            let name = rest.get(19..length).unwrap_or_default();
            if let Some(name) = name.split(|byte| *byte == 0).next() {
                with(name);
            }
            match rest.get(length..) {
                Some(next) if length > 0 => rest = next,
                _ => break,
            }
        }
    }
}

/// A path with the NUL that the kernel wants.
struct Path([u8; QUESTION]);

impl Path {
    fn in_proc(parts: &[&[u8]]) -> Result<Self, No> {
        let mut path = Self::empty();
        let mut length = path.add(0, b"/proc/")?;
        for part in parts {
            length = path.add(length, part)?;
        }
        Ok(path)
    }

    fn of(parts: &[&[u8]]) -> Result<Self, No> {
        let mut path = Self::empty();
        let mut length = 0;
        for part in parts {
            length = path.add(length, part)?;
        }
        Ok(path)
    }

    fn empty() -> Self {
        Self([0; QUESTION])
    }

    fn add(&mut self, at: usize, part: &[u8]) -> Result<usize, No> {
        let end = at + part.len();
        // The last byte stays NUL.
        if end >= QUESTION {
            return Err(No(-EINVAL, STEP_WHOLE));
        }
        put(&mut self.0, at, part);
        Ok(end)
    }

    fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }
}

/// An open file, closed at the end.
struct Handle(usize);

impl Drop for Handle {
    fn drop(&mut self) {
        // Nothing that we opened can fail to close in a way that matters: nothing was written.
        let _ = call(machine::CLOSE, [self.0, 0, 0, 0, 0]);
    }
}

fn open(path: &Path, flags: usize) -> Result<Handle, No> {
    call(
        machine::OPENAT,
        [AT_FDCWD as usize, path.address(), flags | O_CLOEXEC, 0, 0],
    )
    .map(Handle)
    .map_err(whole)
}

fn read(file: usize, into: &mut [u8]) -> Result<usize, isize> {
    call(
        machine::READ,
        [file, into.as_mut_ptr() as usize, into.len(), 0, 0],
    )
}

/// Fills from standard input; `Some(false)` when it ended before the first byte.
fn read_exactly(into: &mut [u8]) -> Option<bool> {
    let mut have = 0;
    while have < into.len() {
        match read(0, into.get_mut(have..)?) {
            Ok(0) if have == 0 => return Some(false),
            Ok(0) => return None,
            Ok(count) => have += count,
            Err(error) if error == -EINTR => {}
            Err(_) => return None,
        }
    }
    Some(true)
}

fn write_all(mut rest: &[u8]) -> Option<()> {
    while !rest.is_empty() {
        match call(
            machine::WRITE,
            [1, rest.as_ptr() as usize, rest.len(), 0, 0],
        ) {
            Ok(count) => rest = rest.get(count..)?,
            Err(error) if error == -EINTR => {}
            Err(_) => return None,
        }
    }
    Some(())
}

fn whole(error: isize) -> No {
    No(error, STEP_WHOLE)
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(four.try_into().ok()?) as usize)
}

fn decimal(mut number: usize, into: &mut [u8; 20]) -> &[u8] {
    let mut at = into.len();
    loop {
        at -= 1;
        if let Some(place) = into.get_mut(at) {
            *place = b'0' + (number % 10) as u8;
        }
        number /= 10;
        if number == 0 || at == 0 {
            return into.get(at..).unwrap_or_default();
        }
    }
}

fn put(into: &mut [u8], at: usize, from: &[u8]) {
    for (place, byte) in into.iter_mut().skip(at).zip(from) {
        *place = *byte;
    }
}

fn exit(code: usize) -> ! {
    loop {
        let _ = call(machine::EXIT_GROUP, [code, 0, 0, 0, 0]);
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    exit(101)
}

/// Calls the kernel; an error is its negative number.
fn call(number: usize, arguments: [usize; 5]) -> Result<usize, isize> {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    // SAFETY: the callers pass addresses of live memory of theirs with its true length.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            in("r10") d,
            in("r8") e,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a => result,
            in("x1") b,
            in("x2") c,
            in("x3") d,
            in("x4") e,
            options(nostack),
        );
    }
    if (-4095..0).contains(&result) {
        Err(result)
    } else {
        Ok(result as usize)
    }
}

// The compiler calls these by name; a C library would have them.

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    for at in 0..count {
        // SAFETY: both are valid for `count` bytes, as the caller of memcpy promises.
        unsafe { *to.add(at) = *from.add(at) };
    }
    to
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    for step in 0..count {
        let at = if (from as usize) < to as usize {
            count - 1 - step
        } else {
            step
        };
        // SAFETY: both are valid for `count` bytes, as the caller of memmove promises.
        unsafe { *to.add(at) = *from.add(at) };
    }
    to
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    for at in 0..count {
        // SAFETY: it is valid for `count` bytes, as the caller of memset promises.
        unsafe { *to.add(at) = byte as u8 };
    }
    to
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, count: usize) -> i32 {
    for at in 0..count {
        // SAFETY: both are valid for `count` bytes, as the caller of memcmp promises.
        let (x, y) = unsafe { (*a.add(at), *b.add(at)) };
        if x != y {
            return i32::from(x) - i32::from(y);
        }
    }
    0
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, count: usize) -> i32 {
    // SAFETY: as for memcmp.
    unsafe { memcmp(a, b, count) }
}
