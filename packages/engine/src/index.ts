/**
 * The Docker Engine API over `@ctr/runtime`: the docker CLI, dockerode and other clients of Docker work with it.
 *
 * @packageDocumentation
 */
export { Engine, type EngineLogOptions, type EngineOptions } from './engine.js'
export type { EngineTlsOptions } from './http/tls.js'
export { ApiError } from './errors.js'
