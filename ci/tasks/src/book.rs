//! The documentation as a book, complete in itself and without a broken link.
//!
//! mdBook makes the pages; it does not look where their links lead. Here each link is followed. One that leads to
//! another page must find it, and the heading behind `#`. One that leads out of `docs` must find a file or folder of
//! this repository, which the book takes along as text, so that it can be read without the repository. Addresses of
//! other machines are not asked.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, ExitCode};

/// The pages' folder.
const SOURCE: &str = "docs";
/// What of the repository is not taken along.
const LEFT_OUT: [&str; 2] = [".git", "target"];

/// Makes the book in `target/book`, and says what is broken in it.
pub fn run() -> ExitCode {
    match build() {
        Ok(broken) if broken.is_empty() => ExitCode::SUCCESS,
        Ok(broken) => {
            for link in &broken {
                eprintln!("cargo ci: {link}");
            }
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("cargo ci: {reason}");
            ExitCode::from(2)
        }
    }
}

fn build() -> Result<BTreeSet<String>, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let target = std::path::absolute(target).map_err(|error| format!("could not find the target folder: {error}"))?;
    let book = target.join("book");
    let installed = target.join("tools/bin/mdbook");
    let program = if installed.exists() { installed } else { "mdbook".into() };
    let made = Command::new(&program).args(["build", SOURCE, "--dest-dir"]).arg(&book).status();
    match made {
        Ok(status) if status.success() => {}
        Ok(_) => return Err("mdbook failed".to_owned()),
        Err(error) => return Err(format!("could not run {}: {error}; ci/setup-book installs it", program.display())),
    }
    let mut broken = left_out_of_summary(Path::new(SOURCE)).map_err(|error| format!("could not read docs: {error}"))?;
    Follow { repository: Path::new(""), book: &book, broken: &mut broken }
        .pages(&book)
        .map_err(|error| format!("could not follow the book's links: {error}"))?;
    Ok(broken)
}

/// The pages of `source` that its `SUMMARY.md` does not list.
fn left_out_of_summary(source: &Path) -> io::Result<BTreeSet<String>> {
    let summary = fs::read_to_string(source.join("SUMMARY.md"))?;
    let mut pages = Vec::new();
    files(source, &mut pages)?;
    let pages = pages.iter().filter(|page| page.extension().is_some_and(|extension| extension == "md"));
    let names = pages.filter_map(|page| page.strip_prefix(source).ok()?.to_str());
    let missing = names.filter(|name| *name != "SUMMARY.md" && !summary.contains(&format!("]({name})")));
    Ok(missing.map(|name| format!("docs/SUMMARY.md does not list {name}")).collect())
}

/// All files below `folder`, in order.
fn files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// Follows the links of a book's pages.
struct Follow<'a> {
    repository: &'a Path,
    book: &'a Path,
    broken: &'a mut BTreeSet<String>,
}

impl Follow<'_> {
    /// Follows those of all pages below `folder`.
    fn pages(&mut self, folder: &Path) -> io::Result<()> {
        let mut pages = Vec::new();
        files(folder, &mut pages)?;
        pages.retain(|page| page.extension().is_some_and(|extension| extension == "html"));
        for page in pages {
            self.page(&page)?;
        }
        Ok(())
    }

    /// Follows those of a page, and writes it anew with the links to what was taken along.
    fn page(&mut self, page: &Path) -> io::Result<()> {
        let html = fs::read_to_string(page)?;
        let below = page.strip_prefix(self.book).unwrap_or(page).to_owned();
        let mut rest = html.as_str();
        let mut made = String::with_capacity(html.len());
        while let Some((before, link, after)) = next_link(rest) {
            made += before;
            match self.target(&below, link)? {
                Some(replaced) => made += &replaced,
                None => {
                    self.broken.insert(format!("{SOURCE}/{} has a broken link: {link}", below.display()));
                    made += link;
                }
            }
            rest = after;
        }
        made += rest;
        if made == html { Ok(()) } else { fs::write(page, made) }
    }

    /// Where the link of the page at `below` leads in the book; `None` if it is broken.
    fn target(&self, below: &Path, link: &str) -> io::Result<Option<String>> {
        let elsewhere = ["http://", "https://", "mailto:", "data:"].iter().any(|scheme| link.starts_with(scheme));
        if elsewhere || link == "#" {
            return Ok(Some(link.to_owned()));
        }
        let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
        let folder = below.parent().unwrap_or(Path::new(""));
        let page = Path::new(SOURCE).join(if path.is_empty() { below.to_owned() } else { folder.join(path) });
        let Some(page) = normal(&page) else { return Ok(None) };
        if let Ok(inside) = page.strip_prefix(SOURCE) {
            let there = self.book.join(inside);
            let found = match heading {
                _ if !there.is_file() => false,
                Some(heading) => fs::read_to_string(there)?.contains(&format!("id=\"{heading}\"")),
                None => true,
            };
            return Ok(found.then(|| link.to_owned()));
        }
        // mdBook takes what ends in `.md` for a page of its own.
        let page =
            [page.clone(), page.with_extension("md")].into_iter().find(|path| self.repository.join(path).exists());
        let Some(page) = page else { return Ok(None) };
        let taken = self.take(&page)?;
        let up = "../".repeat(folder.components().count());
        Ok(Some(format!("{up}{}", taken.display())))
    }

    /// Takes a file along, or a folder as a list of its files with them; returns its place in the book.
    fn take(&self, path: &Path) -> io::Result<PathBuf> {
        let from = self.repository.join(path);
        let mut name = Path::new("repository").join(path).into_os_string();
        name.push(if from.is_dir() { "/index.html" } else { ".txt" });
        let to = PathBuf::from(name);
        let there = self.book.join(&to);
        if let Some(folder) = there.parent() {
            fs::create_dir_all(folder)?;
        }
        if !from.is_dir() {
            fs::write(there, fs::read(from)?)?;
            return Ok(to);
        }
        let mut list = format!("<!DOCTYPE html>\n<title>{0}</title>\n<h1>{0}</h1>\n<ul>\n", path.display());
        let mut found = Vec::new();
        files(&from, &mut found)?;
        for file in found.iter().filter_map(|file| file.strip_prefix(&from).ok()) {
            self.take(&path.join(file))?;
            list += &format!("<li><a href=\"{0}.txt\">{0}</a>\n", file.display());
        }
        fs::write(there, list + "</ul>\n")?;
        Ok(to)
    }
}

/// What stands before the next link of `html`, the link, and what follows it.
fn next_link(html: &str) -> Option<(&str, &str, &str)> {
    let begins = [" href=\"", " src=\""].iter().filter_map(|key| Some(html.find(key)? + key.len())).min()?;
    let ends = begins + html[begins..].find('"')?;
    Some((&html[..begins], &html[begins..ends], &html[ends..]))
}

/// The path without `.` and `..`; `None` if it leads out of the repository, or to what is made there.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir => normal.pop().then_some(())?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!LEFT_OUT.iter().any(|name| normal.starts_with(name)) && normal != Path::new("")).then_some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with a book in it, whose page `how-to/a.html` has these links; what is broken, and the page.
    fn follow(name: &str, links: &[&str]) -> (BTreeSet<String>, String) {
        let root = std::env::temp_dir().join(format!("ci-tasks-book-{}-{name}", std::process::id()));
        let book = root.join("target/book");
        for (path, text) in [
            ("target/book/how-to/b.html", "<h2 id=\"there\">"),
            ("scenarios/wifi/one.toml", "title = \"one\"\n"),
            ("ARCHITECTURE.md", "# Architecture\n"),
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let html: String = links.iter().map(|link| format!("<a href=\"{link}\">x</a>")).collect();
        let page = book.join("how-to/a.html");
        fs::write(&page, html).unwrap();
        let mut broken = BTreeSet::new();
        Follow { repository: &root, book: &book, broken: &mut broken }.pages(&book).unwrap();
        let taken = book.join("repository");
        let page = fs::read_to_string(&page).unwrap();
        for link in page.split("../repository/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(taken.join(link).exists(), "{link}");
        }
        fs::remove_dir_all(&root).unwrap();
        (broken, page)
    }

    #[test]
    fn what_leads_out_of_the_pages_is_taken_along() {
        let links = ["../../scenarios/wifi/one.toml", "../../scenarios/wifi", "../../ARCHITECTURE.html"];
        let (broken, page) = follow("taken", &links);
        assert!(broken.is_empty(), "{broken:?}");
        let taken = ["scenarios/wifi/one.toml.txt", "scenarios/wifi/index.html", "ARCHITECTURE.md.txt"];
        for taken in taken {
            assert!(page.contains(&format!("\"../repository/{taken}\"")), "{page}");
        }
    }

    #[test]
    fn a_link_to_nothing_is_broken() {
        let good = ["b.html", "b.html#there", "#", "https://example.org/no#where", "./b.html"];
        assert_eq!(follow("good", &good).0, BTreeSet::new());
        let bad = ["c.html", "b.html#elsewhere", "#elsewhere", "../../none.toml", "../../../x", "../../target/book"];
        for link in bad {
            let (broken, page) = follow("bad", &[link]);
            assert_eq!(broken, BTreeSet::from([format!("docs/how-to/a.html has a broken link: {link}")]));
            assert!(page.contains(link));
        }
    }

    #[test]
    fn a_page_that_the_summary_leaves_out_is_told() {
        let root = std::env::temp_dir().join(format!("ci-tasks-book-{}-summary", std::process::id()));
        fs::create_dir_all(root.join("how-to")).unwrap();
        for (page, text) in [("SUMMARY.md", "* [A](how-to/a.md)\n"), ("how-to/a.md", ""), ("how-to/b.md", "")] {
            fs::write(root.join(page), text).unwrap();
        }
        let missing = left_out_of_summary(&root).unwrap();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(missing, BTreeSet::from(["docs/SUMMARY.md does not list how-to/b.md".to_owned()]));
    }
}
