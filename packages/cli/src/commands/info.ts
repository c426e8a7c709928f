import { readFileSync } from 'node:fs'
import { availableParallelism, arch, hostname, release, totalmem } from 'node:os'
import type { Command } from 'commander'
import type { Runtime } from '@ctr/runtime'
import { checkHost } from '@ctr/cgroups'
import type { Cli } from '../cli.js'
import { stateOf } from '../output/container-status.js'
import { printByTemplate } from '../output/formatted.js'
import { formatMemory } from '../output/humanize.js'
import { printError, printJson, printLine } from '../output/pipe-end.js'
import { rootlessLines, rootlessWarnings } from '../output/rootless.js'
import { ownVersion } from '../version.js'

/** `ctrjs info`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option('-f, --format <string>', 'Format output using a template: json, "{{.kernel}}" (names as in json)')
    .option('--json', 'Print a JSON object')
    .action(async (flags: InfoFlags) => {
      const host = cli.daemon()
      if (host !== undefined) {
        await printDaemon(host, flags)
        return
      }
      await using runtime = await cli.open()
      const facts = await collectFacts(runtime)
      if (flags.format !== undefined || flags.json === true) {
        printAsAsked(facts, flags)
        return
      }
      printFacts(facts)
      for (const warning of facts.warnings) printError(`WARNING: ${warning}`)
    })
}

interface InfoFlags {
  readonly format?: string
  readonly json?: true
}

function printAsAsked(facts: unknown, { format }: InfoFlags): void {
  if (format === undefined) printJson(facts)
  else printByTemplate(format, facts)
}

async function printDaemon(host: string, flags: InfoFlags): Promise<void> {
  const { factLines, factsOf } = await import('../backend/remote/facts.js')
  const facts = await factsOf(host, 'info')
  if (flags.format !== undefined || flags.json === true) printAsAsked(facts, flags)
  else printLine(['Server:', ...factLines(facts)].join('\n'))
}

async function collectFacts(runtime: Runtime) {
  const states = runtime.containers().map(stateOf)
  const count = (wanted: string): number => states.filter((state) => state === wanted).length
  const host = checkHost()
  const lacks = host.findings.filter(({ availability }) => availability === 'missing')
  return {
    version: ownVersion(),
    containers: states.length,
    running: count('running'),
    paused: count('paused'),
    stopped: count('exited'),
    images: (await runtime.images.list()).length,
    root: runtime.root,
    state: runtime.state,
    storageDriver: runtime.storage,
    cgroupDriver: runtime.cgroupDriver,
    cgroupVersion: host.cgroupMode ?? 'none',
    cgroupControllers: [...host.controllers.keys()],
    rootless: runtime.rootless ?? null,
    networks: networksOf(runtime),
    securityOptions: [
      ...(lacks.some(({ title }) => title === 'seccomp filters') ? [] : ['seccomp=builtin']),
      ...(runtime.userNamespace === 'host' ? [] : ['userns']),
    ],
    kernel: release(),
    operatingSystem: operatingSystem(),
    architecture: arch(),
    cpus: availableParallelism(),
    memory: totalmem(),
    hostname: hostname(),
    node: process.versions.node,
    warnings: [
      ...lacks.map(({ title, warning, consequence }) => warning ?? `${title}: ${consequence}`),
      ...rootlessWarnings(runtime.rootless),
    ],
  }
}

function networksOf({ rootless }: Runtime): readonly string[] {
  if (rootless === undefined) return ['bridge', 'host', 'none']
  return [...(rootless.network === null ? [] : [rootless.network]), 'host', 'none']
}

type Facts = Awaited<ReturnType<typeof collectFacts>>

function printFacts(facts: Facts): void {
  printLine(
    [
      `Containers: ${facts.containers}`,
      ` Running: ${facts.running}`,
      ` Paused: ${facts.paused}`,
      ` Stopped: ${facts.stopped}`,
      `Images: ${facts.images}`,
      `Version: ${facts.version}`,
      `Storage Driver: ${facts.storageDriver}`,
      `Cgroup Driver: ${facts.cgroupDriver}`,
      `Cgroup Version: ${facts.cgroupVersion}`,
      `Cgroup Controllers: ${facts.cgroupControllers.join(' ')}`,
      `Networks: ${facts.networks.join(' ')}`,
      ...rootlessLines(facts.rootless),
      `Security Options: ${facts.securityOptions.join(' ')}`,
      `Kernel Version: ${facts.kernel}`,
      `Operating System: ${facts.operatingSystem}`,
      `Architecture: ${facts.architecture}`,
      `CPUs: ${facts.cpus}`,
      `Total Memory: ${formatMemory(facts.memory)}`,
      `Name: ${facts.hostname}`,
      `Root Dir: ${facts.root}`,
      `State Dir: ${facts.state}`,
      `Node Version: ${facts.node}`,
    ].join('\n'),
  )
}

function operatingSystem(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'
  } catch {
    return 'Linux' // os-release(5) is optional
  }
}
