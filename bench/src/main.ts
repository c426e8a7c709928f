import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import type { Bench, BenchCase } from './case.js'
import { cgroupsCase, cgroupsV2Case, statsCase } from './cases/cgroups.js'
import { commitCase } from './cases/commit.js'
import { engineCases } from './cases/engine.js'
import { engineLoadCase } from './cases/engine-load.js'
import { engineMemoryCase } from './cases/engine-memory.js'
import { engineOutputCase } from './cases/engine-output.js'
import { execCase } from './cases/exec.js'
import { memoryCase } from './cases/memory.js'
import { mountLayersCase } from './cases/mount-layers.js'
import { ociCase, ociManyCase, ociMemoryCase, ociProgramCase } from './cases/oci.js'
import { attachCase, attachManyCase, dnsCase, portsCase } from './cases/networks.js'
import { netbridgeCase, registryCase, spawnCase } from './cases/parts.js'
import { pullCases } from './cases/pull.js'
import { registryServerCases } from './cases/registry-server.js'
import { bridgeCase, cliCase, runCase } from './cases/run.js'
import { sequenceCase } from './cases/sequence.js'
import { describeMachine } from './machine.js'
import { parseOptions, usage, type BenchOptions } from './options.js'
import { Peers } from './peers.js'
import { httpCase, tcpCase, tcpPublishedCase } from './cases/traffic.js'
import { toMarkdown } from './report/markdown.js'
import { joinEarlier, toJson, type BenchReport, type MeasuredCase } from './report/report.js'
import { toText } from './report/terminal.js'
import { findProgram, RootTree } from './rootfs.js'
import { TimingShell } from './timing-shell.js'
import { openWorkshop } from './workshop.js'

// this file is bundled into `bench/dist/PID/`
const page = fileURLToPath(new URL('../../../docs/benchmarks.md', import.meta.url))
const commandLine = programOf('@ctr/cli', 'ctrjs')
const runtimeProgram = programOf('@ctr/runtime', 'ctr-runtime')

const allCases: readonly BenchCase[] = [
  runCase,
  bridgeCase,
  execCase,
  cliCase(commandLine),
  memoryCase,
  sequenceCase,
  ociCase,
  ociProgramCase(runtimeProgram),
  ociMemoryCase,
  ociManyCase,
  cgroupsCase,
  cgroupsV2Case,
  statsCase,
  netbridgeCase,
  attachCase,
  attachManyCase,
  portsCase,
  dnsCase,
  tcpCase,
  tcpPublishedCase,
  httpCase,
  spawnCase,
  registryCase,
  ...registryServerCases(commandLine),
  ...pullCases(commandLine),
  commitCase,
  mountLayersCase,
  ...engineCases(commandLine),
  engineMemoryCase(commandLine, 0),
  engineMemoryCase(commandLine, 100),
  engineOutputCase(commandLine),
  engineLoadCase(commandLine),
]

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  const names = allCases.map(({ name }) => name)
  if (options.help) {
    console.log(usage(names))
    return
  }
  const unknown = options.only.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`there is no case ${unknown}; these are: ${names.join(', ')}`)
  if (process.getuid?.() !== 0) throw new Error('cannot measure containers: root is needed')
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      say(`${signal}: cleaning up`)
      stop.abort(new Error(`interrupted by ${signal}`))
      process.exitCode = 128 + constants.signals[signal]
    })
  }
  // read first: a wrong name is told before the long part
  const earlier = options.earlier === undefined ? undefined : readFileSync(options.earlier, 'utf8')
  const found = await measure(options, stop.signal)
  const report = earlier === undefined ? found : joinEarlier(found, earlier, names)
  console.log(options.json ? toJson(report) : toText(report))
  if (options.write) {
    const settings = await resolveConfig(page)
    writeFileSync(page, await format(toMarkdown(report), { ...settings, filepath: page }))
    say(`written: ${page}`)
  }
}

async function measure(options: BenchOptions, signal: AbortSignal): Promise<BenchReport> {
  const chosen = allCases.filter(({ name }) => options.only.length === 0 || options.only.includes(name))
  const missing: string[] = []
  const cases = chosen.filter(({ name, programs = [] }) => {
    const absent = programs.filter((wanted) => findProgram(wanted) === '')
    if (absent.length > 0) {
      missing.push(`not measured: ${name} needs ${absent.join(', ')}`)
      return false
    }
    const program = /^(registry|pull|engine)-/.test(name)
      ? commandLine
      : { cli: commandLine, 'oci-program': runtimeProgram }[name]
    if (program === undefined || existsSync(program)) return true
    missing.push(`not measured: ${program} is not built`)
    return false
  })
  const tree = RootTree.ofBusybox()
  say('preparing the peers')
  await using peers = await Peers.open(
    cases.flatMap((one) => one.peers),
    tree,
    process.env['BENCH_PEERS'],
  )
  missing.push(...peers.missing)
  for (const line of missing) say(line)
  await using workshop = await openWorkshop(tree)
  using shell = new TimingShell()
  const bench: Bench = {
    peers,
    workshop,
    shell,
    signal,
    quick: options.quick,
    containers: options.containers,
  }
  const measured: MeasuredCase[] = []
  for (const one of cases) {
    const { name, title } = one
    signal.throwIfAborted()
    say(`measuring ${name}: ${title}`)
    try {
      measured.push({ name, title, result: await one.measure(bench) })
    } catch (error) {
      // what was measured before is not lost for it
      signal.throwIfAborted()
      missing.push(`not measured: ${name}: ${messageOf(error)}`)
      say(missing.at(-1)!)
      process.exitCode = 1
    }
  }
  say('cleaning up')
  return { machine: describeMachine(), peers: Object.fromEntries(peers.versions), missing, cases: measured }
}

/** Path of a package's program, built or not. */
function programOf(name: string, program: string): string {
  const description = new URL(import.meta.resolve(`${name}/package.json`))
  const { bin } = JSON.parse(readFileSync(description, 'utf8')) as { bin: Readonly<Record<string, string>> }
  return fileURLToPath(new URL(bin[program] ?? 'missing', description))
}

/** Progress goes where it is in nobody's way. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

function messageOf(error: unknown): string {
  return error instanceof Object && 'message' in error ? String(error.message) : String(error)
}

main().catch((error: unknown) => {
  console.error(`cannot go on: ${messageOf(error)}`)
  process.exitCode ??= 1
})
