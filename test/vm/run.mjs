// Runs tests in virtual machines, or any other command. Needs root, qemu and virtiofsd, and no KVM.
//
//   node test/vm/run.mjs [MACHINE] [jest options]     tests of all machines, or of one
//   node test/vm/run.mjs MACHINE --exec COMMAND...    a command, for example `bash -c 'uname -a'`
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { project, runInMachine } from './boot.mjs'
import { machines } from './machines.mjs'
import { virtiofsd } from './share.mjs'

const args = process.argv.slice(2)
const chosen = args[0] in machines ? [args.shift()] : Object.keys(machines)

const missing = lacks()
if (missing.length > 0) {
  console.log(`tests in virtual machines are skipped: they need ${missing.join(', ')}`)
  process.exit(process.env.CTR_REQUIRE_PRIVILEGED === '1' ? 1 : 0)
}
for (const name of chosen) {
  const exec = args[0] === '--exec'
  if (!exec) fillCache(name)
  const code = await runInMachine(machines[name], exec ? args.slice(1) : jest(name), {
    timeoutMs: Number(process.env.CTR_VM_TIMEOUT_S ?? 480) * 1000,
  })
  if (code !== 0) process.exit(code)
}

function jest(name, more = args) {
  const program = createRequire(import.meta.url).resolve('jest/bin/jest')
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
  const options = ['--config', 'test/vm/jest.config.js', '-i', '--silent=false']
  return [process.execPath, ...node, program, ...options, ...more, '--testMatch', ...machines[name].tests]
}

/** Compiles tests and sources here, where it takes a second: loads all tests and runs none. */
function fillCache(name) {
  const [program, ...line] = jest(name, [...args, '--testNamePattern', 'none of them'])
  spawnSync(program, line, {
    cwd: project,
    stdio: 'ignore',
    env: { ...process.env, CTR_REQUIRE_PRIVILEGED: '' },
  })
}

function lacks() {
  if (process.arch !== 'x64') return ['an x86-64 machine']
  const programs = ['qemu-system-x86_64', 'busybox', 'xz', 'apt-get', 'setpriv', 'unshare']
  return [
    ...(process.getuid() === 0 ? [] : ['root']),
    ...programs.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0),
    ...(virtiofsd === undefined ? ['virtiofsd'] : []),
  ]
}
