//! Commands for backup and restore in `operations.md`.

use super::{Command, GUIDE_ACTIVITY, SandboxProcess, ServiceProcess, repository_root};

#[tokio::test]
async fn backup_of_a_running_store_is_restored_by_the_documented_commands() {
    let guide = repository_root().join("crates/sends-graphql/docs/operations.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let (_, section) = guide.split_once("### Backup and restore").unwrap();
    let blocks: Vec<_> = section.split("```").skip(1).step_by(2).collect();
    let (backup, restore) = (blocks[0], blocks[1].strip_prefix("sh\n").unwrap());
    let sql = backup.split('"').nth(3).unwrap();
    assert!(
        backup.contains("sqlite3 \"$SENDS_STATE_DIR/sends.db\""),
        "{backup}"
    );

    let folder = tempfile::tempdir().unwrap();
    let state = |name: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (running, restored) = (state("running"), state("restored"));
    let sandbox = SandboxProcess::unlimited_shop(&[]);
    {
        let service = ServiceProcess::unpaced_on(&sandbox, &["--state-dir", &running]);
        service.activity(GUIDE_ACTIVITY, 0).await;
        // This call is equivalent to the `sqlite3` command.
        let store = rusqlite::Connection::open(format!("{running}/sends.db")).unwrap();
        let target = folder.path().join("sends-backup.db");
        let sql = sql.replace("sends-backup.db", target.to_str().unwrap());
        store.execute_batch(&sql).unwrap();
    }
    // The WAL of another store must not be applied to the restored store.
    std::fs::write(format!("{restored}/sends.db-wal"), "of another store").unwrap();
    let shell = Command::new("sh")
        .args(["-ec", restore])
        .env("SENDS_STATE_DIR", &restored)
        .current_dir(folder.path())
        .status();
    assert!(shell.unwrap().success());
    let requested = sandbox.history_requests().await;
    let service = ServiceProcess::unpaced_on(&sandbox, &["--state-dir", &restored]);
    let response = service.activity(GUIDE_ACTIVITY, 31_536_000).await;
    assert!(response.get("errors").is_none(), "{response}");
    assert_eq!(response["extensions"]["upstream"]["calls"], 0, "{response}");
    assert_eq!(sandbox.history_requests().await, requested, "{response}");
}
