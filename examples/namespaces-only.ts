// Only @ctr/namespaces: a process in namespaces of its own with limits of its own, another one that joins it, a
// function that visits it, and what the kernel says about all of them. No helper program.
// Works for every user who may make user namespaces: node run.mjs namespaces-only
import { hostname } from 'node:os'
import { text } from 'node:stream/consumers'
import { explain, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC, type Program } from '@ctr/linux'
import {
  describe,
  enter,
  findIdMaps,
  inspectNamespaces,
  listNamespaces,
  spawn,
  type SpawnOptions,
} from '@ctr/namespaces'

const isRoot = process.getuid?.() === 0
// an ordinary user gets the right to make the others by being root in a user namespace
const ids = isRoot ? undefined : findIdMaps()
if (ids?.limited !== undefined) console.log(`(${ids.limited})\n`)

const options: SpawnOptions = {
  // says who it is and waits until its standard input ends
  command: [
    '/bin/sh',
    '-c',
    'echo "process $$ on $(cat /proc/sys/kernel/hostname), $(ulimit -n) files, mask $(umask)"; cat',
  ],
  namespaces: {
    mount: 'new',
    pid: 'new',
    uts: 'new',
    ipc: 'new',
    network: 'new',
    cgroup: 'new',
    ...(ids === undefined ? {} : { user: 'new' as const }),
  },
  idMaps: ids?.maps,
  hostname: 'inside',
  stdio: ['pipe', 'pipe', 'inherit'],
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: 64, hard: 64 }],
  scheduler: { policy: 'SCHED_BATCH', nice: 5 },
  umask: 0o77,
  noNewPrivileges: true,
  prepare: ownProc,
}

/** Added to what the new process does before its program begins: mounts that only it sees. */
function ownProc(program: Program): void {
  program.step('make all mounts private').call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
  const attributes = MS_NOSUID + MS_NODEV + MS_NOEXEC
  program.step('mount /proc').call('mount', ['proc', '/proc', 'proc', attributes, null])
}

console.log('What the new process will do, all of it, before anything is started:\n')
console.log(describe(options).map(explain).join(''))

await using shell = await spawn(options)
shell.stdin?.write('hello from outside\n')
const lines = shell.stdout![Symbol.asyncIterator]()
console.log('It says:', String((await lines.next()).value).trim())
console.log(`Outside it is process ${shell.pid} of this machine.\n`)

console.log('Namespaces, ours and its:')
const [ours, its] = [inspectNamespaces(), inspectNamespaces(shell.pid)]
for (const kind of ['mount', 'pid', 'uts', 'ipc', 'network', 'cgroup', 'user', 'time'] as const) {
  const own = ours[kind] === its[kind] ? 'shared' : 'its own'
  console.log(`  ${kind.padEnd(8)} ${String(ours[kind])}  ${String(its[kind])}  ${own}`)
}

// a second process enters all of them
const visitor = await spawn({
  command: ['/bin/sh', '-c', 'echo "$(cat /proc/sys/kernel/hostname) has processes" /proc/[0-9]*'],
  namespaces: { ...(isRoot ? {} : { user: shell }), mount: shell, pid: shell, uts: shell, network: shell },
  stdio: ['ignore', 'pipe', 'inherit'],
})
console.log('\nA visitor says:', (await text(visitor.stdout!)).trim())
console.log('The visitor ended with', (await visitor.wait()).exitCode)

// root does not even need a process: this thread goes there for one function, and comes back
if (isRoot) console.log('\nHost name there and here:', enter({ uts: shell }, hostname), hostname())

console.log('\nAs lsns shows them, those that the shell is in and we are not:')
for (const { kind, id, pids, owner, userNamespace } of listNamespaces()) {
  if (pids.includes(shell.pid) && !pids.includes(process.pid)) {
    console.log(
      `  ${kind.padEnd(8)} ${id}  of user ${String(owner)}, in user namespace ${String(userNamespace)}`,
    )
  }
}

shell.stdin?.end()
console.log('\nThe shell ended with', (await shell.wait()).exitCode)
