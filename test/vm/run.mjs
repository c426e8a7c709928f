// Runs tests in virtual machines, or any other command. Needs root, qemu and virtiofsd, and no KVM.
//
//   node test/vm/run.mjs [MACHINE] [jest options]     tests of all machines, or of one
//   node test/vm/run.mjs MACHINE --exec COMMAND...    a command, for example `bash -c 'uname -a'`
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { project, runInMachine } from './boot.mjs'
import { compileTests } from './compile.mjs'
import { machines } from './machines.mjs'
import { virtiofsd } from './share.mjs'

const args = process.argv.slice(2)
const chosen = args[0] in machines ? [args.shift()] : Object.keys(machines)
const timeoutMs = Number(process.env.CTR_VM_TIMEOUT_S ?? 1200) * 1000

// ends as by exit(), which takes the machine's folder along; the machine ends with us
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

const missing = lacks()
if (missing.length > 0) {
  console.log(`tests in virtual machines are skipped: they need ${missing.join(', ')}`)
  process.exit(process.env.CTR_REQUIRE_PRIVILEGED === '1' ? 1 : 0)
}
for (const name of chosen) {
  // what fails in one machine hides nothing of the others
  const command = args[0] === '--exec' ? args.slice(1) : await prepareTests(name)
  if (command === undefined) continue
  try {
    const code = await runInMachine(machines[name], command, { timeoutMs })
    if (code !== 0) process.exitCode = code
  } catch (error) {
    console.error(`test/vm, ${name}: ${error.message}`)
    process.exitCode = 1
  }
}

/** Compiles the tests of a machine; undefined when there are none. */
async function prepareTests(name) {
  const { title, tests } = machines[name]
  const found = testFiles().filter((path) => tests.test(path))
  if (found.length === 0) return undefined
  console.log(`\nIn a virtual machine with ${title}:`)
  const compiled = await compileTests(project, found, name)
  const jest = createRequire(import.meta.url).resolve('jest/bin/jest')
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
  const options = ['--config', 'test/vm/jest.config.js', '--rootDir', compiled, '-i', '--silent=false']
  return [process.execPath, ...node, jest, ...options, ...args]
}

/** All tests of packages for virtual machines, from the project's folder. */
function testFiles() {
  return readdirSync(join(project, 'packages')).flatMap((name) => {
    const folder = join('packages', name, 'test')
    return list(join(project, folder))
      .filter((path) => path.endsWith('.vm.test.ts'))
      .map((path) => join(folder, path))
  })
}

function list(folder) {
  try {
    return readdirSync(folder, { recursive: true })
  } catch {
    return [] // a package without such tests
  }
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
