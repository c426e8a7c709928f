/**
 * Containers as a function call: images, namespaces, limits, layers and networks composed.
 *
 * @packageDocumentation
 */
export { Runtime, type RuntimeOptions } from './runtime.js'
export type { CleanUpFailure } from './cleanup.js'
export { Container } from './container/container.js'
export type { ContainerExit, ContainerRecord, NetworkMode } from './container/record.js'
export type { ExecProcess } from './container/exec.js'
export type { LogEntry, LogOptions } from './container/logs.js'
export type {
  ContainerStdio,
  ExecOptions,
  PullImageOptions,
  PushImageOptions,
  RunOptions,
  UnpackProgress,
  Volume,
} from './options.js'
export { TerminalStream, type TerminalSize } from './setup/terminal-stream.js'
export { Images } from './images/images.js'
export { isRuntimeError, RuntimeError, type RuntimeErrorCode } from './errors.js'
