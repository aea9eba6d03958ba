//! Builds again when a file of the workbook comes or goes: the embedding notices changed files only.

fn main() {
    for folder in ["../book", "../checks", "../exercises"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
