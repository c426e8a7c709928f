import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

/** Error numbers that Linux has and `os.constants.errno` lacks (asm-generic/errno.h). */
const more: Readonly<Record<string, number>> = {
  ENOTBLK: 15,
  ECHRNG: 44,
  ENONET: 64,
  EREMOTE: 66,
  ECOMM: 70,
  EDOTDOT: 73,
  ENOTUNIQ: 76,
  EBADFD: 77,
  EREMCHG: 78,
  ELIBACC: 79,
  ELIBBAD: 80,
  ELIBSCN: 81,
  ELIBMAX: 82,
  ELIBEXEC: 83,
  ERESTART: 85,
  ESTRPIPE: 86,
  EUSERS: 87,
  ESOCKTNOSUPPORT: 94,
  EPFNOSUPPORT: 96,
  ESHUTDOWN: 108,
  ETOOMANYREFS: 109,
  EHOSTDOWN: 112,
  EUCLEAN: 117,
  EREMOTEIO: 121,
  ENOMEDIUM: 123,
  EMEDIUMTYPE: 124,
  ENOKEY: 126,
  EKEYEXPIRED: 127,
  EKEYREVOKED: 128,
  EKEYREJECTED: 129,
  EOWNERDEAD: 130,
  ENOTRECOVERABLE: 131,
  ERFKILL: 132,
  EHWPOISON: 133,
}

const aliases = new Set(['EWOULDBLOCK', 'EOPNOTSUPP', 'EDEADLOCK'])

const names = new Map<number, string>()
for (const [name, number] of [...Object.entries(constants.errno), ...Object.entries(more)]) {
  if (!aliases.has(name)) names.set(number, name)
}

/** Name of an error number: `errnoName(1)` is `'EPERM'`. Unknown numbers give `'errno N'`. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`
}

/** Number of an error name: `errnoNumber('EPERM')` is 1; undefined for names that Linux does not have. */
export function errnoNumber(name: string): number | undefined {
  return (constants.errno as Readonly<Record<string, number>>)[name] ?? more[name]
}

/** One line of explanation for an error number, as `strerror(3)` gives it. */
export function errnoText(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? 'unknown error'
}
