// Only @ctr/cgroups: limits for processes of any kind, started here by Node itself.
// As root: node run.mjs cgroups-only
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuBandwidth, createCgroup, detectHierarchy, type CgroupEvent } from '@ctr/cgroups'
import { needRoot } from './support/need-root.js'

needRoot(
  'the groups at the top are its own; an ordinary user has those that are delegated to it (docs/rootless.md)',
)

const MiB = 2 ** 20

const hierarchy = detectHierarchy()
console.log(`This machine has cgroups ${hierarchy.mode}: ${[...hierarchy.controllers.keys()].join(', ')}`)

// killed and removed at the end, whatever happens
await using group = createCgroup(
  `/ctr-example-${process.pid}`,
  {
    cpu: cpuBandwidth(0.25),
    memory: { limit: 64 * MiB, swap: 64 * MiB },
    pids: { limit: 20 },
  },
  { hierarchy },
)
console.log(`Group ${group.path}: a quarter of a processor, 64 MiB, 20 processes\n`)

/** A shell that waits for a line before it does anything, so that it does it inside the group. */
function startIn(script: string): ChildProcess {
  const child = spawn('sh', ['-c', `read -r go; ${script}`], { stdio: ['pipe', 'ignore', 'ignore'] })
  group.add(child.pid!)
  child.stdin.end('go\n')
  return child
}

// what happens to the group is told while the rest goes on
const told: CgroupEvent[] = []
const events = group.events()
const telling = (async () => {
  for await (const event of events) told.push(event)
})()

// 1. a loop that never ends gets its quarter, not more
const loop = startIn('while :; do :; done')
const before = group.stats().cpu!.usageUsec
await sleep(1000)
const { cpu } = group.stats()
console.log(`An endless loop used ${Math.round((cpu!.usageUsec - before) / 10_000)} % of a processor`)
console.log(`  and had to wait ${cpu!.throttling?.throttledPeriods ?? 0} times`)

// 2. limits change while it runs
group.update({ cpu: cpuBandwidth(0.75) })
const raised = group.stats().cpu!.usageUsec
await sleep(1000)
console.log(`With three quarters: ${Math.round((group.stats().cpu!.usageUsec - raised) / 10_000)} %`)

// 3. stopped where it is, and let go on
await group.freeze()
const frozen = group.stats().cpu!.usageUsec
await sleep(200)
console.log(`Frozen: ${group.stats().cpu!.usageUsec - frozen} µs in 200 ms`)
await group.thaw()
loop.kill('SIGKILL')
await once(loop, 'exit')

// 4. more processes than allowed: fork fails, inside alone
const forks = startIn('n=0; while [ $n -lt 30 ]; do n=$((n + 1)); sleep 5 & done; wait')
await once(forks, 'exit')
console.log(`\nA shell that starts too many: refused ${group.stats().pids!.limitHits} times`)
await group.kill()

// 5. more memory than allowed: killed, and told apart from other ends
const hog = startIn('x=0123456789abcdef; while :; do x=$x$x; done')
const [, signal] = (await once(hog, 'exit')) as [number | null, string | null]
console.log(
  `A shell that wants all memory: ended by ${String(signal)}, out-of-memory kills: ${group.oomKills()}`,
)
console.log(`  it had ${Math.round((group.stats().memory!.peak ?? 0) / MiB)} MiB at most`)

// 6. all figures in one shape, and what was told
const { memory, io, pids } = group.stats()
console.log('\nFigures:')
console.log(`  memory: ${memory!.limitHits} hits of the limit, ${memory!.breakdown.pageFaults} page faults`)
console.log(`  processes: at most ${pids!.limit}, now ${pids!.current}`)
console.log(`  block devices: ${io?.readBytes ?? 0} bytes read, ${io?.devices.length ?? 0} devices`)
const { scope, some } = group.pressure('cpu')
console.log(`  processor, ${scope}: ${some.avg10} % of the last 10 seconds somebody waited`)
await sleep(100)
await events.return!()
await telling
console.log(`Told: ${told.map((event) => JSON.stringify(event)).join(', ')}`)
