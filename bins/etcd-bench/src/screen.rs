//! `--tui`: a screen that shows a benchmark while it runs, and leaves the terminal as it was: at the end, on a panic and on signals.

mod draw;
mod members;

use std::io::{IsTerminal as _, Stdout, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use etcd_monitor_bench::{Load, Phase, SecondsBoard, Watcher};
use etcd_monitor_client::{ClientOptions, Endpoint};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use self::draw::View;
use crate::output::say;
use crate::progress;
use crate::signals::leave;

/// Between two looks at the numbers.
const FRAME: Duration = Duration::from_millis(200);

/// True while the terminal is ours.
static IS_SHOWN: AtomicBool = AtomicBool::new(false);

/// What is shown, and how it ends.
pub(crate) struct Screen {
    view: Arc<Mutex<View>>,
    is_over: Arc<AtomicBool>,
    drawing: Option<JoinHandle<()>>,
    asking: AbortHandle,
    /// What is said when the terminal is given back.
    left: Mutex<Option<String>>,
}

impl Screen {
    /// Takes the terminal; `None` where stdout is none. `title` says what runs.
    pub(crate) fn begin(
        title: &str,
        load: &Load,
        (client, endpoints): (ClientOptions, Vec<Endpoint>),
        stop: &CancellationToken,
    ) -> std::io::Result<Option<Self>> {
        if !stdout().is_terminal() {
            return Ok(None);
        }
        let mut terminal = take()?;
        let view = Arc::new(Mutex::new(View::new(title, load)));
        let is_over = Arc::new(AtomicBool::new(false));
        let asking = tokio::spawn(members::ask(client, endpoints, Arc::clone(&view)));
        let (shown, over, stop) = (Arc::clone(&view), Arc::clone(&is_over), stop.clone());
        let drawing = std::thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || draw_until(&mut terminal, &shown, &over, &stop));
        let drawing = drawing.inspect_err(|_| restore())?;
        Ok(Some(Self {
            view,
            is_over,
            drawing: Some(drawing),
            asking: asking.abort_handle(),
            left: Mutex::default(),
        }))
    }

    /// Gives the terminal back.
    pub(crate) fn end(&mut self) {
        self.asking.abort();
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(drawing) = self.drawing.take() {
            // It looks after each frame.
            let _ = drawing.join();
        }
        restore();
        if let Some(left) = lock(&self.left).take() {
            say(&left);
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.end();
    }
}

impl Watcher for Screen {
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>) {
        lock(&self.view).begins(phase, board);
    }

    fn keys_left(&self, prefix: &str, why: &str) {
        *lock(&self.left) = Some(progress::keys_left(prefix, why));
    }
}

/// True while the terminal is ours, so that nothing else may be written to it.
pub(crate) fn is_shown() -> bool {
    IS_SHOWN.load(Ordering::Relaxed)
}

/// Gives the terminal back, where it was taken.
pub(crate) fn restore() {
    if IS_SHOWN.swap(false, Ordering::Relaxed) {
        // Nothing can be done where that fails.
        let _ = disable_raw_mode();
        let _ = execute!(stdout(), LeaveAlternateScreen, cursor::Show);
    }
}

type Shown = Terminal<CrosstermBackend<Stdout>>;

fn take() -> std::io::Result<Shown> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
    });
    enable_raw_mode()?;
    IS_SHOWN.store(true, Ordering::Relaxed);
    let taken = execute!(stdout(), EnterAlternateScreen, cursor::Hide)
        .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())));
    taken.inspect_err(|_| restore())
}

fn draw_until(
    terminal: &mut Shown,
    view: &Mutex<View>,
    is_over: &AtomicBool,
    stop: &CancellationToken,
) {
    while !is_over.load(Ordering::Relaxed) && is_shown() {
        let drawn = {
            let mut view = lock(view);
            view.look(Instant::now());
            terminal.draw(|frame| view.draw(frame))
        };
        if drawn.is_err() {
            return;
        }
        if matches!(event::poll(FRAME), Ok(true)) && event::read().is_ok_and(|event| ends(&event)) {
            if stop.is_cancelled() {
                leave();
            }
            lock(view).stops();
            stop.cancel();
        }
    }
}

/// Whether a key asks for the end: the terminal makes no signals of keys while it is ours.
fn ends(event: &Event) -> bool {
    let Event::Key(KeyEvent {
        code, modifiers, ..
    }) = event
    else {
        return false;
    };
    match code {
        KeyCode::Char('q') | KeyCode::Esc => true,
        KeyCode::Char('c') => modifiers.contains(KeyModifiers::CONTROL),
        _ => false,
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
