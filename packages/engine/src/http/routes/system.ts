import type { FastifyInstance } from 'fastify'
import type { EngineCore } from '../../core.js'
import { diskUsageTypes, type DiskUsageType } from '../../disk/disk-usage.js'
import { badRequest } from '../../errors.js'
import { checkLogin } from '../check-login.js'
import { Query } from '../query.js'
import { authBody, type AuthBody } from '../schemas/auth.js'
import { newestVersion } from '../version.js'

/** What the engine says of itself. */
export function systemRoutes(app: FastifyInstance, engine: EngineCore): void {
  app.get('/_ping', (_request, reply) => {
    reply
      .header('Cache-Control', 'no-cache, no-store, must-revalidate')
      .header('Pragma', 'no-cache')
      .header('Builder-Version', '1')
      .header('Docker-Experimental', 'false')
      .header('Swarm', 'inactive')
      .type('text/plain; charset=utf-8')
    return 'OK'
  })
  app.post('/auth', { schema: { body: authBody } }, async (request) => {
    const IdentityToken = await checkLogin(engine.runtime, request.body as AuthBody)
    return { Status: 'Login Succeeded', IdentityToken }
  })
  app.get('/version', () => engine.facts.version(newestVersion))
  app.get('/info', () => engine.facts.info())
  app.get('/system/df', (request) => {
    const asked = new Query(request).all('type').map(usageType)
    return engine.disk.document(new Set(asked.length === 0 ? diskUsageTypes : asked))
  })
}

function usageType(name: string): DiskUsageType {
  const type = diskUsageTypes.find((known) => known === name)
  if (type === undefined) throw badRequest(`unknown object type: ${name}`)
  return type
}
