import type { Command } from 'commander'
import { processLimit, type HostDevice, type ProcessLimit, type SandboxOptions } from '@ctr/runtime'
import { collect } from './collect.js'
import { usageError } from '../errors.js'
import { parseInteger } from './parse-number.js'

type List = readonly string[]

/** The flags of `run` that say how far a container is apart from the host, as they were typed. */
export interface SandboxFlags {
  readonly cgroupns?: string
  readonly device?: List
  readonly deviceCgroupRule?: List
  readonly domainname?: string
  readonly groupAdd?: List
  readonly init?: true
  readonly ipc?: string
  readonly oomScoreAdj?: string
  readonly pid?: string
  readonly privileged?: true
  readonly tmpfs?: List
  readonly ulimit?: List
  readonly uts?: string
}

/** Adds these flags to a command. */
export function addSandboxFlags(command: Command): void {
  command
    .option('--cgroupns <string>', 'Cgroup namespace to use (host, private)')
    .option('--device <list>', 'Add a host device to the container (HOST[:CONTAINER][:rwm])', collect)
    .option('--device-cgroup-rule <list>', 'Add a rule to the cgroup allowed devices list', collect)
    .option('--domainname <string>', 'Container NIS domain name')
    .option('--group-add <list>', 'Add additional groups to join', collect)
    .option('--init', 'Run an init inside the container that forwards signals and reaps processes')
    .option('--ipc <string>', 'IPC mode to use (private, host, none, container:NAME)')
    .option('--oom-score-adj <int>', "Tune host's OOM preferences (-1000 to 1000)")
    .option('--pid <string>', 'PID namespace to use (private, host, container:NAME)')
    .option('--privileged', 'Give extended privileges to this container')
    .option('--tmpfs <list>', 'Mount a tmpfs directory (PATH[:OPTIONS])', collect)
    .option('--ulimit <list>', 'Ulimit options (NAME=SOFT[:HARD], -1 for unlimited)', collect)
    .option('--uts <string>', 'UTS namespace to use (private, host)')
}

/** Reads them; what is not given is left out. */
export function sandboxOptions(flags: SandboxFlags): SandboxOptions {
  return {
    init: flags.init,
    privileged: flags.privileged,
    devices: flags.device?.map(parseDevice),
    deviceRules: flags.deviceCgroupRule,
    tmpfs:
      flags.tmpfs === undefined
        ? undefined
        : Object.fromEntries(flags.tmpfs.map((text) => splitOnce(text, ':'))),
    rlimits: flags.ulimit?.map(parseUlimit),
    pid: flags.pid,
    ipc: flags.ipc,
    uts: oneOf(flags.uts, '--uts', ['private', 'host']),
    cgroupNamespace: oneOf(flags.cgroupns, '--cgroupns', ['private', 'host']),
    groups: flags.groupAdd,
    oomScoreAdj: integer(flags.oomScoreAdj, '--oom-score-adj'),
    domainname: flags.domainname,
  }
}

/** `HOST[:CONTAINER][:rwm]`: the last part is access where it has only such letters. */
function parseDevice(text: string): HostDevice {
  const [source = '', second, third, ...more] = text.split(':')
  if (source === '' || more.length > 0)
    throw usageError(`invalid argument "${text}" for --device: HOST[:CONTAINER][:rwm] is needed`)
  if (third !== undefined) return { source, target: second, access: third }
  return /^[rwm]{1,3}$/.test(second ?? '') ? { source, access: second } : { source, target: second }
}

/** `NAME=SOFT[:HARD]`, with the names of setrlimit(2) in small letters. */
function parseUlimit(text: string): ProcessLimit {
  const found = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/.exec(text)
  if (found === null) throw usageError(`invalid argument "${text}" for --ulimit: NAME=SOFT[:HARD] is needed`)
  const [, name = '', soft = '', hard = soft] = found
  const limit = processLimit(name, Number(soft), Number(hard))
  if (limit === undefined)
    throw usageError(`invalid argument "${text}" for --ulimit: there is no limit ${name}`)
  return limit
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function integer(text: string | undefined, option: string): number | undefined {
  return text === undefined ? undefined : parseInteger(text, option)
}

function oneOf<T extends string>(
  text: string | undefined,
  option: string,
  allowed: readonly T[],
): T | undefined {
  if (text === undefined) return undefined
  const found = allowed.find((each) => each === text)
  if (found === undefined)
    throw usageError(`invalid argument "${text}" for ${option}: ${allowed.join(', ')} are there`)
  return found
}
