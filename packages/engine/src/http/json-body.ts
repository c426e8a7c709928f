import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { badRequest } from '../errors.js'
import { limits } from './limits.js'
import { readBody, type BodyBounds } from './read-body.js'

/** Gives JSON bodies to routes, parsed. Who is refused before all of a request was there loses the connection. */
export function readJsonBodies(app: FastifyInstance, bounds?: BodyBounds): void {
  app.addContentTypeParser('application/json', async (_request: unknown, payload: Readable) =>
    parseJsonBody(await readBody(payload, bounds)),
  )
  app.addHook('onSend', (request, reply, _payload, done) => {
    if ([408, 413].includes(reply.statusCode) && !request.raw.complete) reply.header('Connection', 'close')
    done()
  })
}

/** Parses a JSON body: nothing for an empty one, which clients send with a type all the same. */
export function parseJsonBody(text: string): unknown {
  if (text.trim() === '') return undefined
  if (depthOf(text) > limits.jsonDepth)
    throw badRequest(`invalid JSON: more than ${limits.jsonDepth} levels of objects and lists`)
  try {
    return JSON.parse(text, (key, value: unknown) => (key === '__proto__' ? undefined : value))
  } catch (cause) {
    throw badRequest(`invalid JSON: ${(cause as Error).message}`)
  }
}

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let inText = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (inText) {
      if (char === '\\') at++
      else if (char === '"') inText = false
    } else if (char === '"') inText = true
    else if (char === '{' || char === '[') deepest = Math.max(deepest, ++depth)
    else if (char === '}' || char === ']') depth--
  }
  return deepest
}
