import type { Static } from '@sinclair/typebox'
import * as Type from '@sinclair/typebox'
import { text } from './members.js'

/** Body of `POST /auth`. */
export const authBody = Type.Object({ username: text, password: text, serveraddress: text })
export type AuthBody = Static<typeof authBody>
