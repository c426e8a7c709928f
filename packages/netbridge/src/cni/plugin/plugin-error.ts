import { types } from 'node:util'
import { isNetbridgeError, type NetbridgeErrorCode } from '../../errors.js'

/** Error numbers of the specification. */
export const INCOMPATIBLE_VERSION = 1
export const UNKNOWN_CONTAINER = 3
export const INVALID_ENVIRONMENT = 4
export const IO_FAILURE = 5
export const UNDECODABLE = 6
export const INVALID_CONFIG = 7
export const TRY_LATER = 11
export const UNAVAILABLE = 50

/** Our own begin at 100. */
const numbers: Partial<Record<NetbridgeErrorCode, number>> = {
  ERR_NETBRIDGE_INVALID_ARG: INVALID_CONFIG,
  ERR_NETBRIDGE_STATE: IO_FAILURE,
  ERR_NETBRIDGE_POOL_EXHAUSTED: TRY_LATER,
  ERR_NETBRIDGE_PORT_TAKEN: 101,
  ERR_NETBRIDGE_ADDRESS_TAKEN: 102,
  ERR_NETBRIDGE_EXISTS: 103,
  ERR_NETBRIDGE_SUBNET_CONFLICT: 104,
  ERR_NETBRIDGE_PERMISSION: 105,
  ERR_NETBRIDGE_UNSUPPORTED: 106,
  ERR_NETBRIDGE_KERNEL: 107,
}
const other = 100

/** What is wrong with an attachment that `CHECK` looked at. */
export const BROKEN = 110

/** An error with the number that the runtime is told. */
export class PluginError extends Error {
  readonly cniCode: number
  readonly details: string | undefined

  constructor(cniCode: number, message: string, details?: string) {
    super(message)
    this.cniCode = cniCode
    this.details = details
  }
}

/** What the runtime is told of an error. */
export function describeError(error: unknown): { code: number; msg: string; details?: string } {
  if (error instanceof PluginError) {
    const { cniCode: code, message: msg, details } = error
    return details === undefined ? { code, msg } : { code, msg, details }
  }
  const msg = types.isNativeError(error) ? error.message : String(error)
  if (!isNetbridgeError(error)) return { code: other, msg }
  return { code: numbers[error.code] ?? other, msg, details: error.code }
}
