import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import './style.css'
import { takeAdmission } from './bridge/admission.ts'
import { connectOverHttp } from './bridge/client.ts'
import { App } from './app.tsx'

const secret = takeAdmission(window)
const bridge = secret === undefined ? undefined : connectOverHttp(window.location.origin, secret)
const root = document.querySelector('#root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App bridge={bridge} />
    </StrictMode>,
  )
}
