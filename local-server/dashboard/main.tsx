import '@cloudscape-design/global-styles/index.css';
import './page.css';
import { applyMode, Mode } from '@cloudscape-design/global-styles';
import { createRoot } from 'react-dom/client';
import { Dashboard } from './dashboard.tsx';

const prefersDark = window.matchMedia('(prefers-color-scheme: dark)');
const followSystem = () => applyMode(prefersDark.matches ? Mode.Dark : Mode.Light);
prefersDark.addEventListener('change', followSystem);
followSystem();

const page = document.getElementById('page');
if (page !== null) createRoot(page).render(<Dashboard />);
