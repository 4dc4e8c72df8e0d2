import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import './style.css'
import { connectHere } from './bridge/connect.ts'
import { App } from './app.tsx'

const connected = connectHere(window)
const root = document.querySelector('#root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App connected={connected} />
    </StrictMode>,
  )
}
