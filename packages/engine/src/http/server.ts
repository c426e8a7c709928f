import type { ServerOptions } from 'node:https'
import type { TSchema } from '@sinclair/typebox'
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify'
import type { EngineCore } from '../core.js'
import { toApiError } from '../errors.js'
import { checkBody } from './check-body.js'
import { readJsonBodies } from './json-body.js'
import { limits } from './limits.js'
import { withMemberNames } from './member-names.js'
import { archiveRoutes } from './routes/archive.js'
import { commitRoutes } from './routes/commit.js'
import { containerRoutes } from './routes/containers.js'
import { containerStreamRoutes } from './routes/container-streams.js'
import { distributionRoutes } from './routes/distribution.js'
import { eventRoutes } from './routes/events.js'
import { execRoutes } from './routes/exec.js'
import { imageRoutes } from './routes/images.js'
import { networkRoutes } from './routes/networks.js'
import { pruneRoutes } from './routes/prune.js'
import { statsRoutes } from './routes/stats.js'
import { swarmRoutes } from './routes/swarm.js'
import { systemRoutes } from './routes/system.js'
import { volumeRoutes } from './routes/volumes.js'
import { routeUpgrades } from './upgrade.js'
import { checkVersion, newestVersion, splitVersion } from './version.js'

const routes = [
  archiveRoutes,
  commitRoutes,
  containerRoutes,
  containerStreamRoutes,
  distributionRoutes,
  eventRoutes,
  execRoutes,
  imageRoutes,
  networkRoutes,
  pruneRoutes,
  statsRoutes,
  swarmRoutes,
  systemRoutes,
  volumeRoutes,
]

/**
 * The API of an engine as an HTTP server that does not listen yet.
 *
 * @param tls - With it, the server speaks TLS.
 */
export async function createServer(engine: EngineCore, tls?: ServerOptions): Promise<FastifyInstance> {
  const versions = new WeakMap<object, string | undefined>()
  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    ...transportOf(tls),
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 4096 },
    rewriteUrl(request) {
      const { path, version } = splitVersion(request.url ?? '/')
      versions.set(request, version)
      return path
    },
  })
  app.server.maxConnections = limits.connections
  app.removeAllContentTypeParsers()
  readJsonBodies(app)
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  app.addHook('onRequest', async (request, reply) => {
    reply.header('Api-Version', newestVersion).header('Ostype', 'linux').header('Server', engine.serverName)
    checkVersion(versions.get(request.raw))
  })
  app.addHook('preValidation', (request, _reply, done) => {
    const { body: schema } = request.routeOptions.schema ?? {}
    if (schema != null) request.body = withMemberNames(schema, request.body)
    done()
  })
  app.setValidatorCompiler<TSchema>(({ schema }) => (body: unknown) => {
    const error = checkBody(schema, body)
    return error === undefined ? { value: body } : { error }
  })
  app.setErrorHandler(async (error, _request, reply) => {
    const { status, message } = toApiError(error)
    await sendError(reply, status, message)
  })
  app.setNotFoundHandler(async (_request, reply) => {
    await sendError(reply, 404, 'page not found')
  })
  engine.metrics?.watch(app)
  routeUpgrades(app)
  for (const add of routes) add(app, engine)
  await app.ready()
  return app
}

/** As bytes: the docker CLI reads messages of this very type, and Fastify would add a charset to it. */
async function sendError(reply: FastifyReply, status: number, message: string): Promise<void> {
  await reply
    .code(status)
    .type('application/json')
    .send(Buffer.from(JSON.stringify({ message })))
}

/** One type for both: routes see no difference between a server that speaks TLS and one that does not. */
function transportOf(tls: ServerOptions | undefined): { readonly http: { readonly maxHeaderSize: number } } {
  const bounds = { maxHeaderSize: limits.headerBytes }
  // clients of streams end their side and go on reading; plain HTTP servers allow that anyway
  return tls === undefined
    ? { http: bounds }
    : ({ https: { ...bounds, ...tls, allowHalfOpen: true } } as never)
}
