// Only @ctr/namespaces: a process in namespaces of its own, another one that joins it, and no helper program.
// Works for every user who may make user namespaces: node run.mjs namespaces-only
import { text } from 'node:stream/consumers'
import { explain, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC, type Program } from '@ctr/linux'
import { describe, inspectNamespaces, spawn, type SpawnOptions } from '@ctr/namespaces'

const isRoot = process.getuid?.() === 0

const options: SpawnOptions = {
  // says who it is and waits until its standard input ends
  command: ['/bin/sh', '-c', 'echo "process $$ on $(cat /proc/sys/kernel/hostname)"; cat'],
  namespaces: {
    mount: 'new',
    pid: 'new',
    uts: 'new',
    ipc: 'new',
    network: 'new',
    cgroup: 'new',
    // an ordinary user gets the right to make the others by being root in a user namespace
    ...(isRoot ? {} : { user: 'new' as const }),
  },
  hostname: 'inside',
  stdio: ['pipe', 'pipe', 'inherit'],
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

// a second process enters all of them through one descriptor
const { pidfd } = shell
const visitor = await spawn({
  command: ['/bin/sh', '-c', 'echo "$(cat /proc/sys/kernel/hostname) has processes" /proc/[0-9]*'],
  namespaces: {
    ...(isRoot ? {} : { user: { pidfd } }),
    mount: { pidfd },
    pid: { pidfd },
    uts: { pidfd },
    network: { pidfd },
  },
  stdio: ['ignore', 'pipe', 'inherit'],
})
console.log('\nA visitor says:', (await text(visitor.stdout!)).trim())
console.log('The visitor ended with', (await visitor.wait()).exitCode)

shell.stdin?.end()
console.log('The shell ended with', (await shell.wait()).exitCode)
