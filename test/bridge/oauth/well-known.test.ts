import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  authorizationServerMetadataUrls,
  fallbackServerMetadata,
  protectedResourceMetadataUrls,
} from '../../../bridge/oauth/well-known.ts'

const resources = (url: string): string[] => protectedResourceMetadataUrls(new URL(url)).map(String)
const servers = (url: string): string[] => authorizationServerMetadataUrls(new URL(url)).map(String)

describe('protected resource metadata (RFC 9728 §3.1)', () => {
  it('is between host and path, then at the root', () => {
    expect(resources('https://example.com/public/mcp')).toEqual([
      'https://example.com/.well-known/oauth-protected-resource/public/mcp',
      'https://example.com/.well-known/oauth-protected-resource',
    ])
  })

  it('is at one place for a server at the root', () => {
    expect(resources('https://example.com:8443')).toEqual([
      'https://example.com:8443/.well-known/oauth-protected-resource',
    ])
  })

  it('keeps a query and a closing slash, which are part of the name', () => {
    expect(resources('https://example.com/mcp/?team=1')[0]).toBe(
      'https://example.com/.well-known/oauth-protected-resource/mcp/?team=1',
    )
    expect(resources('https://example.com/?team=1')).toEqual([
      'https://example.com/.well-known/oauth-protected-resource?team=1',
      'https://example.com/.well-known/oauth-protected-resource',
    ])
  })
})

describe('authorization server metadata (MCP 2026-07-28, priority order)', () => {
  it('has three places for an issuer with a path', () => {
    const places = [
      'https://auth.example.com/.well-known/oauth-authorization-server/tenant1',
      'https://auth.example.com/.well-known/openid-configuration/tenant1',
      'https://auth.example.com/tenant1/.well-known/openid-configuration',
    ]
    expect(servers('https://auth.example.com/tenant1')).toEqual(places)
    expect(servers('https://auth.example.com/tenant1/')).toEqual(places)
  })

  it('has two places for an issuer without one', () => {
    expect(servers('https://auth.example.com/')).toEqual([
      'https://auth.example.com/.well-known/oauth-authorization-server',
      'https://auth.example.com/.well-known/openid-configuration',
    ])
  })
})

describe('every well-known place', () => {
  it('is at the origin it was made from, whatever the path says', () => {
    const path = fc.string({ unit: fc.constantFrom(...Array.from('/\\.@:?%2eabc')) })
    fc.assert(
      fc.property(path, (rest) => {
        const url = new URL(`https://auth.example.com/${rest}`)
        for (const place of [
          ...protectedResourceMetadataUrls(url),
          ...authorizationServerMetadataUrls(url),
        ]) {
          expect(place.origin).toBe('https://auth.example.com')
        }
      }),
    )
    expect(servers('https://auth.example.com//evil.example/x')[2]).toBe(
      'https://auth.example.com//evil.example/x/.well-known/openid-configuration',
    )
  })
})

describe('a server without any metadata (MCP 2025-03-26)', () => {
  it('has its endpoints at the origin, without its path', () => {
    expect(fallbackServerMetadata(new URL('https://api.example.com/v1/mcp'))).toEqual({
      issuer: 'https://api.example.com',
      authorization_endpoint: 'https://api.example.com/authorize',
      token_endpoint: 'https://api.example.com/token',
      registration_endpoint: 'https://api.example.com/register',
    })
  })
})
