//! What a process costs.

/// CPU time that a process has used, all threads.
pub(crate) struct CpuTime {
    pub(crate) user_seconds: f64,
    pub(crate) system_seconds: f64,
}

impl CpuTime {
    /// From `/proc/self/stat`, in ticks of 10 ms: fine enough over many cycles.
    pub(crate) fn of_this_process() -> Result<Self, Box<dyn std::error::Error>> {
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        // The command in parentheses may hold spaces; utime and stime are the 12th and 13th field after it.
        let fields = stat
            .rsplit_once(')')
            .ok_or("no command in /proc/self/stat")?
            .1;
        let mut fields = fields.split_whitespace().skip(11);
        let mut seconds = || -> Result<f64, Box<dyn std::error::Error>> {
            let ticks: f64 = fields
                .next()
                .ok_or("too few fields in /proc/self/stat")?
                .parse()?;
            Ok(ticks / TICKS_PER_SECOND)
        };
        Ok(Self {
            user_seconds: seconds()?,
            system_seconds: seconds()?,
        })
    }
}
