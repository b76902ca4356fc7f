use super::*;

/// Has room, but never notifies of it.
struct Roomy;

impl Sink for Roomy {
    fn data(&self, _: &mut BytesMut) {}
    fn data_ended(&self, _: &mut BytesMut) {}
    fn has_room(&self) -> bool {
        true
    }
    fn wait_for_room(&self) -> Later<'_, ()> {
        Box::pin(std::future::pending())
    }
    fn stdout_ended(&self) {}
    fn reading_held(&self, _: bool) {}
    fn handing_over(&self) {}
    fn stderr_line(&self, _: &[u8]) {}
    fn stderr_ended(&self, _: String) {}
    fn exited(&self, _: ExitReport) {}
    fn unended(&self, _: Error) {}
}

/// Has room, and passes on that the process has ended.
struct Ending(tokio::sync::mpsc::UnboundedSender<()>);

impl Sink for Ending {
    fn data(&self, _: &mut BytesMut) {}
    fn data_ended(&self, _: &mut BytesMut) {}
    fn has_room(&self) -> bool {
        true
    }
    fn wait_for_room(&self) -> Later<'_, ()> {
        Box::pin(std::future::ready(()))
    }
    fn stdout_ended(&self) {}
    fn reading_held(&self, _: bool) {}
    fn handing_over(&self) {}
    fn stderr_line(&self, _: &[u8]) {}
    fn stderr_ended(&self, _: String) {}
    fn exited(&self, _: ExitReport) {
        let _ = self.0.send(());
    }
    fn unended(&self, _: Error) {}
}

#[tokio::test]
async fn a_disk_that_is_slow_at_the_end_does_not_pass_for_a_process_that_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record");
    let document = json!({"record": path.to_str().unwrap()}).to_string();
    let options = crate::options::parse(&document).unwrap();
    let (say, mut warned) = tokio::sync::mpsc::unbounded_channel();
    let warn: Warn = Box::new(move |text| drop(say.send(text)));
    let start = Start { options: &options, environment: &[], cli_path: None, warn };
    let recorder = Recorder::start(start).unwrap();
    recorder.written().await;
    let (tell, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let sink = RecordingSink::new(Arc::new(Ending(tell)), recorder.clone());
    let (disk_is_held, held) = std::sync::mpsc::channel();
    let (let_it_go, until) = std::sync::mpsc::channel::<()>();
    let stuck = recorder.clone();
    let disk = std::thread::spawn(move || {
        let _disk = lock(&stuck.writer);
        disk_is_held.send(()).unwrap();
        until.recv().unwrap();
    });
    held.recv().unwrap();
    let killed = Instant::now();
    sink.data_ended(&mut BytesMut::from(&b"the last words\n"[..]));
    sink.stdout_ended();
    sink.stderr_ended(String::new());
    sink.exited(ExitReport::new(Exit::Unknown));
    ended.recv().await.expect("the end is told");
    assert!(
        killed.elapsed() < Duration::from_secs(5),
        "a process is given up by then: {:?}",
        killed.elapsed()
    );
    let warning = warned.try_recv().expect("told before the end is");
    assert!(warning.contains("still being written"), "{warning}");
    let_it_go.send(()).unwrap();
    disk.join().unwrap();
    recorder.written().await;
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written.contains("the last words") && written.contains(r#""event":"ended""#), "{written}");
}

#[tokio::test]
async fn a_reader_goes_on_when_the_disk_has_caught_up_in_between() {
    let options = crate::options::parse(r#"{"record": "/dev/null"}"#).unwrap();
    let warn: Warn = Box::new(|text| panic!("{text}"));
    let start = Start { options: &options, environment: &[], cli_path: None, warn };
    let recorder = Recorder::start(start).unwrap();
    let sink = RecordingSink::new(Arc::new(Roomy), recorder.clone());
    lock(&recorder.queue).bytes += MOST_QUEUED;
    assert!(!sink.has_room());
    lock(&recorder.queue).bytes -= MOST_QUEUED;
    timeout(Duration::from_secs(20), sink.wait_for_room()).await.expect("there is room");
    recorder.finish().await;
}
