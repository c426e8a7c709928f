import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

/** Error numbers that Linux has and `os.constants.errno` lacks (asm-generic/errno.h), with their texts. */
const more: Readonly<Record<string, readonly [errno: number, text: string]>> = {
  ENOTBLK: [15, 'block device required'],
  ECHRNG: [44, 'channel number out of range'],
  ENONET: [64, 'machine is not on the network'],
  EREMOTE: [66, 'object is remote'],
  ECOMM: [70, 'communication error on send'],
  EDOTDOT: [73, 'RFS specific error'],
  ENOTUNIQ: [76, 'name not unique on network'],
  EBADFD: [77, 'file descriptor in bad state'],
  EREMCHG: [78, 'remote address changed'],
  ELIBACC: [79, 'cannot access a needed shared library'],
  ELIBBAD: [80, 'accessing a corrupted shared library'],
  ELIBSCN: [81, 'corrupted .lib section'],
  ELIBMAX: [82, 'too many shared libraries'],
  ELIBEXEC: [83, 'cannot execute a shared library directly'],
  ERESTART: [85, 'interrupted system call should be restarted'],
  ESTRPIPE: [86, 'streams pipe error'],
  EUSERS: [87, 'too many users'],
  ESOCKTNOSUPPORT: [94, 'socket type not supported'],
  EPFNOSUPPORT: [96, 'protocol family not supported'],
  ESHUTDOWN: [108, 'cannot send after transport endpoint shutdown'],
  ETOOMANYREFS: [109, 'too many references'],
  EHOSTDOWN: [112, 'host is down'],
  EUCLEAN: [117, 'structure needs cleaning'],
  EREMOTEIO: [121, 'remote I/O error'],
  ENOMEDIUM: [123, 'no medium found'],
  EMEDIUMTYPE: [124, 'wrong medium type'],
  ENOKEY: [126, 'required key not available'],
  EKEYEXPIRED: [127, 'key has expired'],
  EKEYREVOKED: [128, 'key has been revoked'],
  EKEYREJECTED: [129, 'key was rejected by service'],
  EOWNERDEAD: [130, 'owner died'],
  ENOTRECOVERABLE: [131, 'state not recoverable'],
  ERFKILL: [132, 'operation not possible due to RF-kill'],
  EHWPOISON: [133, 'memory page has hardware error'],
}

/** Texts of error numbers that libuv does not know, or knows for sockets only. */
const texts: Readonly<Record<string, string>> = {
  ENOEXEC: 'exec format error',
  ECHILD: 'no child processes',
  EDEADLK: 'resource deadlock avoided',
  ENOLCK: 'no locks available',
  ENOMSG: 'no message of desired type',
  EIDRM: 'identifier removed',
  ENOSTR: 'device not a stream',
  ETIME: 'timer expired',
  ENOSR: 'out of streams resources',
  ENOLINK: 'link has been severed',
  EMULTIHOP: 'multihop attempted',
  EBADMSG: 'bad message',
  EOPNOTSUPP: 'operation not supported',
  ENETRESET: 'network dropped connection on reset',
  EINPROGRESS: 'operation now in progress',
  ESTALE: 'stale file handle',
  EDQUOT: 'disk quota exceeded',
  EDOM: 'numerical argument out of domain',
}

/** Other names of numbers that the kernel's header names differently. */
const aliases = new Set(['EWOULDBLOCK', 'ENOTSUP', 'EDEADLOCK'])

let numbers: ReadonlyMap<string, number> | undefined
let names: ReadonlyMap<number, string> | undefined

function allNumbers(): ReadonlyMap<string, number> {
  numbers ??= new Map([
    ...Object.entries(constants.errno),
    ...Object.entries(more).map(([name, [errno]]): [string, number] => [name, errno]),
  ])
  return numbers
}

/**
 * Name of an error number, as the kernel's header has it: `errnoName(1)` is `'EPERM'`. Of two names for one
 * number it is the kernel's: 95 is `'EOPNOTSUPP'` (Node's own errors say `'ENOTSUP'`), 11 is `'EAGAIN'`.
 * Unknown numbers give `'errno N'`.
 */
export function errnoName(errno: number): string {
  names ??= new Map(
    [...allNumbers()].filter(([name]) => !aliases.has(name)).map(([name, number]) => [number, name]),
  )
  return names.get(errno) ?? `errno ${errno}`
}

/**
 * Number of an error name, aliases included: `errnoNumber('EPERM')` is 1, `EAGAIN` and `EWOULDBLOCK` are 11.
 * Undefined for names that Linux does not have.
 */
export function errnoNumber(name: string): number | undefined {
  return allNumbers().get(name)
}

/** One line of explanation for an error number, as strerror(3) gives it, in lower case. */
export function errnoText(errno: number): string {
  const name = errnoName(errno)
  return texts[name] ?? more[name]?.[1] ?? getSystemErrorMap().get(-errno)?.[1] ?? 'unknown error'
}
