import { constants } from 'node:os'
import { hasBits } from '../bits.js'
import * as capability from '../constants/capability.js'
import * as file from '../constants/file.js'
import * as mount from '../constants/mount.js'
import * as namespace from '../constants/namespace.js'
import * as socket from '../constants/socket.js'
import type { Argument } from './argument.js'

/** Prints one integer argument; `args` are all arguments of the call, for what depends on another. */
export type Printer = (value: number, args?: readonly Argument[]) => string

export const decimal: Printer = (value) => String(value)
export const octal: Printer = (value) => (value === 0 ? '0' : `0${value.toString(8)}`)
export const hexadecimal: Printer = (value) => (value === 0 ? '0' : `0x${value.toString(16)}`)

/** A descriptor, or the current folder where the call takes one. */
export const descriptor: Printer = (value) => (value === file.AT_FDCWD ? 'AT_FDCWD' : String(value))

/** An id, or -1 for "as it is". */
export const id: Printer = (value) => (value === 0xffffffff ? '-1' : String(value))

/** A combination of the flags whose names begin with one of `prefixes`. */
export function flags(constants: object, ...prefixes: readonly string[]): Printer {
  let known: [string, number][] | undefined // most are never printed
  return (value) => {
    known ??= constantsOf(constants, prefixes).filter(([, bits]) => bits > 0)
    let rest = value
    const parts: string[] = []
    for (const [name, bits] of known) {
      if (rest < bits || !hasBits(rest, bits)) continue
      parts.push(name)
      rest -= bits
    }
    if (rest !== 0 || parts.length === 0) parts.push(hexadecimal(rest))
    return parts.join('|')
  }
}

/** One of the constants whose names begin with one of `prefixes`. */
export function oneOf(constants: object, ...prefixes: readonly string[]): Printer {
  let names: Map<number, string> | undefined
  return (value) => {
    names ??= new Map(constantsOf(constants, prefixes).map(([name, number]) => [number, name]))
    return names.get(value) ?? String(value)
  }
}

function constantsOf(constants: object, prefixes: readonly string[]): [string, number][] {
  return Object.entries(constants as Record<string, number>)
    .filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix)))
    .sort(([, a], [, b]) => a - b)
}

/** `['name: value']` for a field of a structure, nothing for one that is 0. */
export function named(name: string, value: number, printer: Printer): string[] {
  return value === 0 ? [] : [`${name}: ${printer(value)}`]
}

const createFlags = flags(file, 'O_')

/** `O_*`, with the access mode in words. */
export const openFlags: Printer = (value) => {
  const access = ['O_RDONLY', 'O_WRONLY', 'O_RDWR'][value & 3] ?? 'O_ACCMODE'
  const rest = value - (value & 3)
  return rest === 0 ? access : `${access}|${createFlags(rest)}`
}

export const resolveFlags = flags(file, 'RESOLVE_')
export const atFlags = flags(file, 'AT_')
export const mountFlags = flags(mount, 'MS_')
export const mountAttributeFlags = flags(mount, 'MOUNT_ATTR_')
export const cloneFlags = flags(namespace, 'CLONE_')
export const capabilityName = oneOf(capability, 'CAP_')
export const addressFamily = oneOf(socket, 'AF_')

/** Mode of mknod(2): the kind of file in words, the permissions in octal. */
export const nodeMode: Printer = (value) => {
  const permissions = octal(value & 0o7777)
  const kind = value & file.S_IFMT
  return kind === 0 ? permissions : `${nodeKind(kind)}|${permissions}`
}

const nodeKind = oneOf(file, 'S_IF')

/** Number of a device as mknod(2) takes it. */
export const device: Printer = (value) =>
  value === 0 ? '0' : `makedev(${(value >> 8) & 0xfff}, ${(value & 0xff) | ((value >> 12) & 0xfff00)})`

const socketKind = oneOf(socket, 'SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_RAW')
const socketFlags = flags(socket, 'SOCK_NONBLOCK', 'SOCK_CLOEXEC')

/** Type of socket(2): the kind, and what else is to hold for the descriptor. */
export const socketType: Printer = (value) => {
  const kind = socketKind(value & 0xf)
  const rest = value - (value & 0xf)
  return rest === 0 ? kind : `${kind}|${socketFlags(rest)}`
}

let signals: Map<number, string> | undefined

/** Name of a signal. */
export const signal: Printer = (value) => {
  signals ??= new Map<number, string>([
    ...Object.entries(constants.signals).map(([name, number]): [number, string] => [number, name]),
    [6, 'SIGABRT'], // not their aliases
    [29, 'SIGIO'],
  ])
  return signals.get(value) ?? String(value)
}
