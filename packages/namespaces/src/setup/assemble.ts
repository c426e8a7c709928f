import { fstatSync, readFileSync } from 'node:fs'
import { AT_EMPTY_PATH, F_SETFD, Program, stringVector } from '@ctr/linux'
import type { ResolvedSources } from '../source.js'
import type { SpawnOptions } from '../spawn-options.js'
import { takeCredentials } from './credentials.js'
import { becomeRoot, joinNamespaces, joinTime, makeLateNamespaces, offsetText, timeJoin } from './enter.js'
import { closeDescriptors, execute, resetSignals } from './execute.js'
import { beginInit, waitAtGate } from './init.js'
import { pause, type PausePipes } from './pause.js'
import { newSession, openNull, placeStdio, type StdioFds } from './stdio.js'

/** What the programs of a child use of ours. */
export interface Resources {
  readonly sources: ResolvedSources
  readonly stdio: StdioFds
  /** For the pauses, where there are any. */
  readonly pipes: PausePipes | undefined
  /** Where the second program reports a failure. */
  readonly report: number
  /** The second program, as an executable. */
  readonly init: number
}

/**
 * The first program of a child: everything up to the point where it no longer needs anything of ours. It shares
 * our memory until it becomes an executable of its own, the second program.
 */
export function assembleSetup(
  options: SpawnOptions,
  { sources, stdio, pipes, report, init }: Resources,
): Program {
  const program = new Program()
  options.before?.(program)
  const { terminal, preserveFds = 0, prepareFds = [], gate } = options
  const kept = initFds(options, { sources, report })
  const ours = [...prepareFds, init, ...kept]
  if (pipes !== undefined) {
    // while it waits it must not hold open what others wait for to be closed
    const needed = [pipes.ready, pipes.go, terminal, ...stdio, ...sources.joins.map(({ fd }) => fd), ...ours]
    closeDescriptors(
      program,
      3 + preserveFds,
      needed.filter((fd) => fd !== undefined),
    )
  }
  if (pipes !== undefined && sources.made.includes('user')) {
    program.step('wait for the id maps')
    pause(program, pipes)
    becomeRoot(program)
  }
  const nul = openNull(program, stdio)
  joinNamespaces(program, sources)
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
  if (terminal !== undefined || (options.session ?? options.namespaces !== undefined)) {
    newSession(program, terminal)
  }
  placeStdio(program, terminal === undefined ? stdio : [terminal, terminal, terminal], nul)
  // from here on paths may be a container's: nothing of this process may be open that /proc/self/fd could lead to
  const pauses = pipes === undefined || options.meanwhile === undefined ? [] : [pipes.ready, pipes.go]
  closeDescriptors(program, 3 + preserveFds, [...ours, ...pauses])
  options.prepare?.(program.step(undefined), () => {
    if (pipes !== undefined) pause(program.step('wait for the parent'), pipes)
  })
  closeDescriptors(program, 3 + preserveFds, [init, ...kept, ...(options.finishFds ?? [])])
  // Node marks what it was given close-on-exec
  for (const fd of preserved(options)) program.call('fcntl', [fd, F_SETFD, 0])
  program.step('let go of the memory of our parent')
  for (const fd of kept) program.call('fcntl', [fd, F_SETFD, 0])
  program.call('execveat', [init, '', stringVector(['ctr-init']), stringVector([]), AT_EMPTY_PATH])
  return program
}

/** The second program: takes on credentials and executes the command. */
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
  if (options.cwd !== undefined) program.step(`change to ${options.cwd}`).call('chdir', [options.cwd])
  takeCredentials(program, options, {
    lastCapability: options.capabilities === undefined ? 0 : lastCapability(),
    open: [...fds, ...(options.finishFds ?? []), ...preserved(options)],
  })
  if (gate !== undefined) waitAtGate(program, gate)
  const env = options.env ?? (process.env as Readonly<Record<string, string>>)
  execute(program, { argv: options.command, env, path: options.executable })
  return program
}

/** The parent must set the clocks of a time namespace that belongs to a new user namespace. */
export function needsClockPause({ timeOffsets }: SpawnOptions, { made }: ResolvedSources): boolean {
  return made.includes('user') && made.includes('time') && offsetText(timeOffsets ?? {}) !== ''
}

/** Descriptors of ours that the second program uses. */
function initFds(
  { gate, seccompListener }: SpawnOptions,
  { sources, report }: Pick<Resources, 'sources' | 'report'>,
): number[] {
  return [report, gate?.wait, seccompListener, timeJoin(sources)].filter((fd) => fd !== undefined)
}

/** Those of the preserved descriptors that are open. */
function preserved({ preserveFds = 0 }: SpawnOptions): number[] {
  return Array.from({ length: preserveFds }, (_, index) => 3 + index).filter((fd) => {
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
