import { types } from 'node:util'

/** What went wrong; match on it. */
export type NetbridgeErrorCode =
  | 'ERR_NETBRIDGE_INVALID_ARG' // outside the documented range or form
  | 'ERR_NETBRIDGE_PORT_TAKEN' // another publication or a program of the host has the port
  | 'ERR_NETBRIDGE_ADDRESS_TAKEN' // the asked-for address belongs to another endpoint
  | 'ERR_NETBRIDGE_POOL_EXHAUSTED' // no free address, port or subnet left
  | 'ERR_NETBRIDGE_SUBNET_CONFLICT' // the subnet overlaps a route of the host, or the network has another one
  | 'ERR_NETBRIDGE_EXISTS' // an endpoint with this id is already attached
  | 'ERR_NETBRIDGE_NOT_FOUND' // no network or link of that name
  | 'ERR_NETBRIDGE_IN_USE' // the network still has endpoints
  | 'ERR_NETBRIDGE_CLOSED' // the handle was closed
  | 'ERR_NETBRIDGE_PERMISSION' // EPERM or EACCES: needs CAP_NET_ADMIN and CAP_SYS_ADMIN
  | 'ERR_NETBRIDGE_UNSUPPORTED' // the kernel lacks a feature
  | 'ERR_NETBRIDGE_KERNEL' // any other errno of the kernel; see `errno`, `errnoCode` and `request`
  | 'ERR_NETBRIDGE_STORE' // the store of an overlay network cannot be reached or refuses; see `cause`
  | 'ERR_NETBRIDGE_CNI_CONFIG' // a configuration of CNI is malformed, or of an unknown version
  | 'ERR_NETBRIDGE_CNI_PLUGIN' // a plugin is missing, refused, died or printed rubbish; see `plugin`
  | 'ERR_NETBRIDGE_CNI_TIMEOUT' // a plugin took too long and was killed; see `plugin`
  | 'ERR_NETBRIDGE_STATE' // a state file could not be read or written; see `cause`

/** Which CNI plugin failed, and how. */
export interface CniPluginFailure {
  /** Name of its executable. */
  readonly type: string
  /** What it was run for, such as `'ADD'`. */
  readonly command: string
  /** The error number that it printed: 1-99 are the specification's. */
  readonly cniCode: number | undefined
}

/** What a {@link NetbridgeError} can carry besides its message. */
export interface NetbridgeErrorContext extends ErrorOptions {
  /** Positive error number of the kernel. */
  readonly errno?: number
  /** Its name, such as `'EEXIST'`. */
  readonly errnoCode?: string
  /** The netlink request that was refused, such as `'RTM_NEWLINK ctrjs0'`. */
  readonly request?: string
  /** The CNI plugin that failed. */
  readonly plugin?: CniPluginFailure
}

/** The only error class thrown by this package. Match on `code`. */
export class NetbridgeError extends Error {
  override readonly name = 'NetbridgeError' as const
  readonly code: NetbridgeErrorCode
  /** Positive error number of the kernel, when the kernel refused something. */
  readonly errno: number | undefined
  /** Name of the error number, such as `'EEXIST'`. */
  readonly errnoCode: string | undefined
  /** The netlink request that was refused. */
  readonly request: string | undefined
  /** The CNI plugin that failed. */
  readonly plugin: CniPluginFailure | undefined

  constructor(code: NetbridgeErrorCode, message: string, context: NetbridgeErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause })
    this.code = code
    this.errno = context.errno
    this.errnoCode = context.errnoCode
    this.request = context.request
    this.plugin = context.plugin
  }
}

/** True for errors of this package, even when two versions of it are installed. */
export function isNetbridgeError(error: unknown): error is NetbridgeError {
  return types.isNativeError(error) && error.name === 'NetbridgeError'
}
