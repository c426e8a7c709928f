import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** How often it is looked whether the process rests, in milliseconds. */
const usualInterval = 5000

/** With less of one processor than this since the last look, it does. */
const resting = 0.02

/** After so much work, in microseconds of processor time, there may be garbage that is worth a collection. */
const worthwhile = 500_000

/**
 * Gives memory back while nothing happens. V8 collects when it allocates: a process that worked and then waits, as a
 * daemon does most of its life, would keep what the last of its work left, for ever. A collection takes some tens of
 * milliseconds, in which nobody waits.
 *
 * @param interval - How often to look, in milliseconds.
 * @returns What ends it. It does not keep the process.
 */
export function collectWhenIdle(interval = usualInterval): Disposable {
  const collect = collector()
  let collectedAt = cpuTime()
  let lookedAt = collectedAt
  const timer = setInterval(() => {
    const now = cpuTime()
    const share = (now - lookedAt) / (interval * 1000)
    lookedAt = now
    if (share > resting || now - collectedAt < worthwhile) return
    collect()
    collect() // only the second moves what is left together, and gives pages back
    lookedAt = collectedAt = cpuTime()
  }, interval)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** Processor time of the process, in microseconds. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** V8's own function, which contexts have that are made while the flag is set. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  try {
    return runInNewContext('gc') as () => void
  } finally {
    setFlagsFromString('--no-expose-gc')
  }
}
