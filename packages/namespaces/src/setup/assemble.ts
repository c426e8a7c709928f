import { fstatSync, readFileSync } from 'node:fs'
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  F_SETFD,
  FD_CLOEXEC,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_HOW_SIZE,
  openHow,
  Program,
  RESOLVE_NO_MAGICLINKS,
  stringVector,
  type Ref,
} from '@ctr/linux'
import type { ResolvedSources } from '../source.js'
import type { SpawnOptions } from '../spawn-options.js'
import { attributesInGroups, beginAttributes, finishAttributes } from '../attributes/attributes.js'
import { inherit } from '../open-stdio.js'
import { openConsole, type Console } from './console.js'
import { takeCredentials } from './credentials.js'
import {
  enterPid,
  entersPid,
  joinNamespaces,
  joinTime,
  makeInUserNamespace,
  makeLateNamespaces,
  offsetText,
  timeJoin,
} from './enter.js'
import { closeDescriptors, execute, resetSignals } from './execute.js'
import { beginInit, waitAtGate } from './init.js'
import { pause, type PausePipes } from './pause.js'
import { newSession, openNull, openNullAbove, placeStdio, type StdioFds } from './stdio.js'

/** What the programs of a child use of ours. */
export interface Resources {
  readonly sources: ResolvedSources
  readonly stdio: StdioFds
  /** For the pauses, where there are any. */
  readonly pipes: PausePipes | undefined
  /** Where the last program reports a failure. */
  readonly report: number
  /** The last program, as an executable. */
  readonly init: number
  /** Of a child that comes under the power of others on its way. */
  readonly entry: EntryFds | undefined
}

/** What a child needs that has a program in between, in which it comes to its namespaces. */
export interface EntryFds {
  /** That program, as an executable. */
  readonly file: number
  /** Where it reports the process that it goes on as, its end, and a failure. */
  readonly report: number
  /** Memory in which its clone is noted, see `clone-note.ts`. */
  readonly note: number
}

/**
 * The first program of a child: everything up to the point where it no longer needs anything of ours. It shares
 * our memory until it becomes an executable of its own.
 *
 * Where others may have power over the child on its way, what it does is a program of its own, {@link assembleEntry}:
 * processes of a pid namespace that it enters may have privileges over it (`CAP_SYS_PTRACE`), and with the ids of
 * another user namespace it can be stopped for ever by whoever has the same ids.
 */
export function assembleSetup(options: SpawnOptions, resources: Resources): Program {
  const { sources, stdio, pipes, entry } = resources
  const program = new Program()
  options.before?.(program)
  beginAttributes(program, options)
  if (entry === undefined) {
    options.groups?.join(program)
    attributesInGroups(program, options)
    // while it waits it must not hold open what others wait for to be closed
    if (pipes !== undefined) {
      closeDescriptors(program, 3, [...joinFds(sources), ...laterFds(options, resources)])
    }
    const nul = openNull(program, stdio)
    joinNamespaces(program, sources)
    goOn(program, options, resources, nul)
    return program
  }
  const fds = [...joinFds(sources), ...laterFds(options, resources)]
  if (entersPid(sources)) fds.push(entry.note)
  closeDescriptors(program, 3, fds)
  program.step('let go of the memory of our parent')
  for (const fd of new Set(fds)) program.call('fcntl', [fd, F_SETFD, 0])
  executeFile(program, entry.file)
  return program
}

/** The program in between: joins and makes namespaces, waits for id maps, and goes on as the first one would. */
export function assembleEntry(options: SpawnOptions, resources: Resources & { entry: EntryFds }): Program {
  const program = new Program()
  const { sources, stdio, init, pipes, entry } = resources
  options.groups?.join(program)
  attributesInGroups(program, options)
  // somebody inside may look at what it has open
  for (const fd of options.groups?.fds ?? []) program.call('close', [fd])
  const nul = openNullAbove(program, stdio)
  joinNamespaces(program, sources)
  makeInUserNamespace(program, sources, pipes)
  const kept = new Set(laterFds(options, resources))
  for (const fd of new Set(joinFds(sources))) if (!kept.has(fd)) program.call('close', [fd])
  if (entersPid(sources)) enterPid(program, sources, entry.note)
  for (const fd of [init, entry.report]) program.call('fcntl', [fd, F_SETFD, FD_CLOEXEC])
  goOn(program, options, resources, nul)
  return program
}

function joinFds({ joins }: ResolvedSources): number[] {
  return joins.map(({ fd }) => fd)
}

/** Adds what is left to do in the namespaces. */
function goOn(program: Program, options: SpawnOptions, resources: Resources, nul: Ref | undefined): void {
  const { sources, stdio, pipes, report, init, entry } = resources
  const { prepareFds = [] } = options
  const terminal = typeof options.terminal === 'number' ? options.terminal : undefined
  const console = typeof options.terminal === 'object' ? options.terminal : undefined
  makeLateNamespaces(program, sources, options.timeOffsets)
  if (pipes !== undefined && needsClockPause(options, sources)) {
    program.step('wait for the clocks')
    pause(program, pipes)
  }
  if (options.hostname !== undefined) {
    program
      .step('set the host name')
      .call('sethostname', [options.hostname, Buffer.byteLength(options.hostname)])
  }
  if (options.domainname !== undefined) {
    program
      .step('set the domain name')
      .call('setdomainname', [options.domainname, Buffer.byteLength(options.domainname)])
  }
  if (options.terminal !== undefined || (options.session ?? options.namespaces !== undefined)) {
    newSession(program, terminal)
  }
  placeStdio(program, terminal === undefined ? stdio : [terminal, terminal, terminal], nul)
  const given = preserved(options)
  const kept = initFds(options, { sources, report })
  const closedByExec = entry === undefined ? [init] : [init, entry.report]
  // from here on paths may be a container's: nothing of this process may be open that /proc/self/fd could lead to
  const pauses = pipes === undefined || options.meanwhile === undefined ? [] : [pipes.ready, pipes.go]
  const sockets = console === undefined ? [] : [console.socket]
  closeDescriptors(program, 3, [...given, ...prepareFds, ...closedByExec, ...kept, ...pauses, ...sockets])
  options.prepare?.(program.step(undefined), () => {
    if (pipes !== undefined) pause(program.step('wait for the parent'), pipes)
  })
  if (console !== undefined) takeConsole(program, console)
  closeDescriptors(program, 3, [...given, ...closedByExec, ...kept, ...(options.finishFds ?? [])])
  // Node marks what it was given close-on-exec
  for (const fd of given) program.call('fcntl', [fd, F_SETFD, 0])
  program.step(entry === undefined ? 'let go of the memory of our parent' : 'go on as another program')
  for (const fd of kept) program.call('fcntl', [fd, F_SETFD, 0])
  if (entry !== undefined) program.call('write', [entry.report, atInit, atInit.length])
  executeFile(program, init)
}

/** Opens it where the process is by now. */
function takeConsole(program: Program, console: Console): void {
  const root = program.step('open the root').call('openat', [AT_FDCWD, '/', O_PATH + O_DIRECTORY + O_CLOEXEC])
  openConsole(program, root, console)
}

/** What a program in between reports when it has come to its end, in the form of a failure. */
export const AT_INIT = -2

const atInit = Buffer.alloc(16)
atInit.writeBigInt64LE(BigInt(AT_INIT))

function executeFile(program: Program, file: number): void {
  program.call('execveat', [file, '', stringVector(['ctr-init']), stringVector([]), AT_EMPTY_PATH])
}

/** Descriptors of ours that are needed once the namespaces are joined. */
function laterFds(
  options: SpawnOptions,
  { sources, stdio, pipes, report, init, entry }: Resources,
): number[] {
  const { terminal, prepareFds = [] } = options
  return [
    ...preserved(options),
    ...prepareFds,
    ...initFds(options, { sources, report }),
    ...stdio,
    ...(entry === undefined ? [] : (options.groups?.fds ?? [])),
    ...[init, entry?.file, entry?.report, pipes?.ready, pipes?.go],
    typeof terminal === 'object' ? terminal.socket : terminal,
  ].filter((fd) => fd !== undefined)
}

/** The last program: takes on credentials and executes the command. */
export function assembleInit(
  options: SpawnOptions,
  { sources, report }: Pick<Resources, 'sources' | 'report'>,
): Program {
  const program = new Program()
  const { gate } = options
  const fds = initFds(options, { sources, report })
  beginInit(program, [...fds, ...(options.finishFds ?? [])])
  resetSignals(program)
  const time = timeJoin(sources)
  if (time !== undefined) joinTime(program, time)
  options.finish?.(program.step(undefined))
  if (options.cwd !== undefined) changeFolder(program, options.cwd)
  finishAttributes(program, options, {
    stdio: options.terminal === undefined ? (options.stdio ?? inherit) : inherit,
    user: options.terminal === undefined ? options.user : undefined,
  })
  takeCredentials(program, options, {
    report,
    lastCapability: options.capabilities === undefined ? 0 : lastCapability(),
    open: [...fds, ...(options.finishFds ?? []), ...preserved(options)],
  })
  if (gate !== undefined) waitAtGate(program, gate)
  const env = options.env ?? (process.env as Readonly<Record<string, string>>)
  execute(program, { argv: options.command, env, path: options.executable })
  return program
}

const folderHow = openHow({ flags: O_PATH + O_DIRECTORY + O_CLOEXEC, resolve: RESOLVE_NO_MAGICLINKS })

/** Links such as `/proc/1/root` would lead out of the container, with privileges that its command will not have. */
function changeFolder(program: Program, path: string): void {
  const folder = program.step(`chdir to ${path}`).call('openat2', [AT_FDCWD, path, folderHow, OPEN_HOW_SIZE])
  program.call('fchdir', [folder])
  program.call('close', [folder])
}

/** The parent must set the clocks of a time namespace that belongs to a new user namespace. */
export function needsClockPause({ timeOffsets }: SpawnOptions, { made }: ResolvedSources): boolean {
  return made.includes('user') && made.includes('time') && offsetText(timeOffsets ?? {}) !== ''
}

/** Descriptors of ours that the last program uses. */
function initFds(
  { gate, seccompListener }: SpawnOptions,
  { sources, report }: Pick<Resources, 'sources' | 'report'>,
): number[] {
  return [report, gate?.wait, seccompListener, timeJoin(sources)].filter((fd) => fd !== undefined)
}

/** Those of the preserved descriptors that are open. */
function preserved({ preserveFds = 0 }: SpawnOptions): number[] {
  const fds =
    typeof preserveFds === 'number' ? Array.from({ length: preserveFds }, (_, at) => 3 + at) : preserveFds
  return fds.filter((fd) => {
    try {
      fstatSync(fd)
      return true
    } catch {
      return false
    }
  })
}

let knownLastCapability: number | undefined

function lastCapability(): number {
  knownLastCapability ??= Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'))
  return knownLastCapability
}
