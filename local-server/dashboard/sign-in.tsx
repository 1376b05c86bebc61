import {
  Button,
  Container,
  FormField,
  Header,
  Input,
  SpaceBetween,
} from '@cloudscape-design/components';
import { useState } from 'react';
import { signIn } from './api-client.ts';

/** Asks for the token once; the server's cookie remembers it. */
export function SignIn() {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState('');
  const submit = async () => {
    try {
      await signIn(token.trim());
      window.location.reload();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <div className="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Container
          header={
            <Header variant="h2" description="Whoever set up this device knows its token.">
              This device asks for a token
            </Header>
          }
        >
          <SpaceBetween size="m">
            <FormField label="Token" errorText={problem}>
              <Input
                type="password"
                autoFocus
                autoComplete="current-password"
                value={token}
                onChange={({ detail }) => setToken(detail.value)}
              />
            </FormField>
            <Button variant="primary" formAction="submit" disabled={token.trim() === ''}>
              Open
            </Button>
          </SpaceBetween>
        </Container>
      </form>
    </div>
  );
}
