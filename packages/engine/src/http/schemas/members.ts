import type { TSchema } from '@sinclair/typebox'
import * as Type from '@sinclair/typebox'

/** Clients written in Go send null for what is not set. */
export const maybe = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))
export const text = maybe(Type.String())
export const flag = maybe(Type.Boolean())
export const whole = maybe(Type.Integer())
export const texts = maybe(Type.Array(Type.String()))
export const textMap = maybe(Type.Record(Type.String(), Type.String()))
