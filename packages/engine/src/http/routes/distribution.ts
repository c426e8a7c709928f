import type { FastifyInstance } from 'fastify'
import type { EngineCore } from '../../core.js'
import { ApiError } from '../../errors.js'
import { registryAuth } from '../registry-auth.js'

/** What a registry has under a name: nothing of it is brought here. */
export function distributionRoutes(app: FastifyInstance, { runtime }: EngineCore): void {
  app.get('/distribution/*', async (request) => {
    const path = (request.params as { '*': string })['*']
    if (!path.endsWith('/json')) throw new ApiError(404, 'page not found')
    const { descriptor, platforms } = await runtime.images.remote.inspect(path.slice(0, -'/json'.length), {
      credentials: registryAuth(request),
    })
    return { Descriptor: descriptor, Platforms: platforms }
  })
}
