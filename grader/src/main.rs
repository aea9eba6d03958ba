//! Entry point; everything is in the library.

fn main() -> std::process::ExitCode {
    grader::cli::main(std::env::args_os()).into()
}
